"""Teaches ARR-COC where to look: one loop for every phase, and its instruments."""
