"""Rules of fields, which stand in the protos: what a message breaks, and what the service tells of
it."""
