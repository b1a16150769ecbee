"""What the service does in a second, beside what the machine could do at best."""
