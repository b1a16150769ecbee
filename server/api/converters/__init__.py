"""Between protobuf messages and records. Pure."""
