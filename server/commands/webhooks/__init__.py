"""Use cases of webhooks: what providers tell of messages that they have taken."""
