"""Judges messages by the rules of fields in the protos."""
