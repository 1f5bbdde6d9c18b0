"""Intervals, paired tests, power and calibration."""
