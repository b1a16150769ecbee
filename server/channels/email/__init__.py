"""Email: messages, and SMTP."""
