"""Ways to spend tokens on a picture, by name: one contract for all."""
