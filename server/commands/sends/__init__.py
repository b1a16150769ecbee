"""What can be done to sends."""
