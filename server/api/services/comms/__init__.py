"""carillon.comms.v1."""
