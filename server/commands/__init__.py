"""One use case per file: each a function of a transaction, the caller, and what was asked. No gRPC,
no protobuf, no SQL."""
