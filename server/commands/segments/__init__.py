"""What can be done to segments."""
