"""What can be done to campaigns."""
