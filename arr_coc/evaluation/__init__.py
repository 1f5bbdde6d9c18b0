"""Measuring: comparisons of policies, and what they cost."""
