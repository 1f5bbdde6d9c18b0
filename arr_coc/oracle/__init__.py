"""A folder of sourced pages that can be asked, checked and extended; it knows files and nothing of models."""
