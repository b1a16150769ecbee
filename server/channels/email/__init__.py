"""Sends email: builds mails, and speaks SMTP."""
