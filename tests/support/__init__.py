"""What tests share, once."""
