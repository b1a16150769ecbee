"""Limits on the connections of the gRPC server."""

from __future__ import annotations

METADATA_BYTES = 64 * 1024
"""More than the gateway lets through: it passes the URL on as metadata, and gRPC's own 8 KiB would
refuse a long one as an overload."""
PING_INTERVAL_MS = 1000
"""Least milliseconds between two pings of a client."""
HANDSHAKE_MS = 10_000
"""Longest that a new connection takes to say what it is."""
IDLE_MS = 60_000
"""Longest that a connection stays without a call; its client connects again for the next."""
AGE_MS = 3_600_000
"""After an hour a connection takes no more calls, so that clients come back to new replicas too."""
AGE_GRACE_MS = 3_600_000
"""What then still goes on, such as a watch, is ended after another hour."""
STREAMS = 1000
"""Calls at once on a connection, as many as the gateway makes (envoy.yaml)."""


def connection_options(most: int) -> list[tuple[str, int]]:
    """Options of a server that takes so many connections at once on each address."""
    return [
        ("grpc.max_metadata_size", METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES),
        ("grpc.max_allowed_incoming_connections", most),
        ("grpc.max_concurrent_streams", STREAMS),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
        ("grpc.max_connection_idle_ms", IDLE_MS),
        ("grpc.max_connection_age_ms", AGE_MS),
        ("grpc.max_connection_age_grace_ms", AGE_GRACE_MS),
        # A client whose machine vanished is noticed.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # Two servers on one port would each get some of the calls; a taken port must fail instead.
        ("grpc.so_reuseport", 0),
        # The gateway's pings find a dead peer (envoy.yaml); by default the third within five
        # minutes would end the connection.
        ("grpc.http2.min_ping_interval_without_data_ms", PING_INTERVAL_MS),
        ("grpc.keepalive_permit_without_calls", 1),
    ]
