"""What can be done to templates."""
