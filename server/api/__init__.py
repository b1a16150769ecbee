"""The gRPC face, which the gateway also serves as REST: services, converters, interceptors, and the
one error table."""
