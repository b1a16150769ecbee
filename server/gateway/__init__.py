"""Runs Envoy in front of the gRPC server."""
