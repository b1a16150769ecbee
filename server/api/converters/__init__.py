"""Converts between protobuf messages and records. Pure."""
