"""Other ways to choose the same number of tokens."""
