"""The gRPC API, which the gateway also serves as REST: services, converters, interceptors,
errors."""
