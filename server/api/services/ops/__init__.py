"""carillon.ops.v1."""
