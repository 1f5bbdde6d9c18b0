"""Looking until sure, measured: what every look would have said, and what rules make of it."""
