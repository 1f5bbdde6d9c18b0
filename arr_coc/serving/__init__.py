"""Running a host for others: what fits on which card, and the folder that a public demo is published from."""
