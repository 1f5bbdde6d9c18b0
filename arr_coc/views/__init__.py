"""Pictures of a Realization: pure functions, a picture and records in, a picture or a figure out."""
