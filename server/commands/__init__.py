"""One use case per file, and the reads of one thing together: each a function of a transaction, the
caller, and what was asked. No gRPC, no protobuf, no SQL."""
