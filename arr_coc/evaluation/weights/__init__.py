"""Should the weights of the score maps follow the picture? Rules for them, and what evidence each shows."""
