"""Answers as tables, reports and cards."""
