"""carillon.messaging.v1."""
