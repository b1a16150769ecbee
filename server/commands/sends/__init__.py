"""Use cases of sends."""
