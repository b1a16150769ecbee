"""People and addresses."""
