"""Templates: what they refer to, and how they render."""
