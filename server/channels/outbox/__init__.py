"""The outbox: messages as files."""
