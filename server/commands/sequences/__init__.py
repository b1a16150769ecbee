"""Use cases of sequences, and of people in them."""
