"""Pages in the browser; needs the extra `demo`. Only the command line imports this package."""
