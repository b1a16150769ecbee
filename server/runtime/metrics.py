"""Serves the metrics of one process, in the text format of Prometheus, on a port of their own. They
name no person, brand or message."""

from __future__ import annotations

from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from server.gateway.errors import GatewayError
from server.gateway.ports import require_free

LATENESS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
"""Seconds. Fine where the promise is: tens of milliseconds when idle."""


class Metrics:
    """Counts what a dispatcher reports (`server.dispatch.metrics.DispatchMetrics`), in a registry
    of its own: two services in one process do not share figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._server: tuple[WSGIServer, Thread] | None = None
        self._deliveries = Counter(
            "carillon_deliveries",
            "Provider calls that ended, and in_app deliveries.",
            ("channel", "outcome"),
            registry=self.registry,
        )
        self._lateness = Histogram(
            "carillon_lateness_seconds",
            "From the time a one-off message was asked to go out at to its first provider call.",
            ("channel",),
            buckets=LATENESS_BUCKETS,
            registry=self.registry,
        )
        self._recovered = Counter(
            "carillon_recovered_messages",
            "Messages taken back from a worker that is gone: released (never started), unknown (in "
            "doubt), resent.",
            ("outcome",),
            registry=self.registry,
        )
        self._expired = Counter(
            "carillon_expired_messages",
            "Messages that went stale before they were claimed.",
            registry=self.registry,
        )
        self._recounts = Counter(
            "carillon_recounts",
            "Times the counters of all open sends were compared with their rows.",
            registry=self.registry,
        )
        self._drifting = Gauge(
            "carillon_drifting_sends",
            "Open sends whose counters were not what their rows say, at the last recount. Must be "
            "0.",
            registry=self.registry,
        )
        self._held = Gauge(
            "carillon_held",
            "1 while delivery is held because the database is from the past.",
            registry=self.registry,
        )
        self._breaker_open = Gauge(
            "carillon_circuit_open",
            "1 while the provider of a channel is taken to be down.",
            ("channel",),
            registry=self.registry,
        )

        self._free_disk = Gauge(
            "carillon_free_disk_bytes",
            "Bytes free on the disk, of those that are watched, that has the fewest.",
            registry=self.registry,
        )
        self._disk_low = Gauge(
            "carillon_disk_low",
            "1 while nothing new is taken or delivered because too little of a disk is free.",
            registry=self.registry,
        )

    def delivered(self, channel: str, outcome: str, count: int = 1) -> None:
        self._deliveries.labels(channel, outcome).inc(count)

    def late(self, channel: str, seconds: float) -> None:
        self._lateness.labels(channel).observe(max(seconds, 0.0))

    def recovered(self, released: int, in_doubt: int, resent: int) -> None:
        for outcome, count in (("released", released), ("unknown", in_doubt), ("resent", resent)):
            self._recovered.labels(outcome).inc(count)

    def expired(self, count: int) -> None:
        self._expired.inc(count)

    def drift(self, count: int) -> None:
        self._recounts.inc()
        self._drifting.set(count)

    def held(self, held: bool) -> None:
        self._held.set(held)

    def breaker_open(self, channel: str, is_open: bool) -> None:
        self._breaker_open.labels(channel).set(is_open)

    def disk(self, free_bytes: int, *, low: bool) -> None:
        """What a look at the disks found."""
        self._free_disk.set(free_bytes)
        self._disk_low.set(low)

    def serve(self, address: str, port: int) -> None:
        """Answers GET /metrics from a thread; nothing on port 0. Raises GatewayError if the port
        cannot be listened on."""
        if not port:
            return
        require_free(address, port, "CARILLON_METRICS_PORT")
        try:
            self._server = start_http_server(port, address, self.registry)
        except OSError:
            problem = f"CARILLON_METRICS_PORT: cannot listen on {address}:{port}"
            raise GatewayError(problem) from None

    def stop(self) -> None:
        """Lets go of the port. Idempotent."""
        if self._server is not None:
            server, thread = self._server
            self._server = None
            server.shutdown()
            server.server_close()
            thread.join()
