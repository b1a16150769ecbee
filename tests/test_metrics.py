"""Metrics of the dispatcher, read as a monitoring system reads them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from server.dispatch.metrics import DispatchMetrics
from server.runtime.metrics import Metrics
from tests.support.api.running import free_ports


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    metrics = Metrics()
    yield metrics
    metrics.stop()


def test_what_the_dispatcher_tells_is_read_over_http(metrics: Metrics) -> None:
    dispatch_metrics: DispatchMetrics = metrics
    dispatch_metrics.delivered("email", "accepted")
    dispatch_metrics.delivered("email", "accepted")
    dispatch_metrics.late("sms", 0.02)
    dispatch_metrics.recovered(released=3, in_doubt=2, resent=1)
    dispatch_metrics.expired(4)
    dispatch_metrics.drift(5)
    dispatch_metrics.held(True)
    metrics.disk(123, low=True)
    dispatch_metrics.breaker_open("push", True)
    (port,) = free_ports(1)

    metrics.serve("127.0.0.1", port)

    lines = httpx.get(f"http://127.0.0.1:{port}/metrics").text.splitlines()
    for line in (
        'carillon_deliveries_total{channel="email",outcome="accepted"} 2.0',
        'carillon_lateness_seconds_bucket{channel="sms",le="0.01"} 0.0',
        'carillon_lateness_seconds_bucket{channel="sms",le="0.025"} 1.0',
        'carillon_recovered_messages_total{outcome="released"} 3.0',
        'carillon_recovered_messages_total{outcome="unknown"} 2.0',
        'carillon_recovered_messages_total{outcome="resent"} 1.0',
        "carillon_expired_messages_total 4.0",
        "carillon_drifting_sends 5.0",
        "carillon_recounts_total 1.0",
        "carillon_held 1.0",
        "carillon_free_disk_bytes 123.0",
        "carillon_disk_low 1.0",
        'carillon_circuit_open{channel="push"} 1.0',
    ):
        assert line in lines


def test_drift_that_is_gone_is_told_as_gone(metrics: Metrics) -> None:
    metrics.drift(5)
    metrics.drift(0)

    assert metrics.registry.get_sample_value("carillon_drifting_sends") == 0.0


def test_a_message_sent_a_moment_early_is_not_late(metrics: Metrics) -> None:
    metrics.late("email", -0.001)

    assert (
        metrics.registry.get_sample_value(
            "carillon_lateness_seconds_bucket", {"channel": "email", "le": "0.005"}
        )
        == 1.0
    )
    assert (
        metrics.registry.get_sample_value("carillon_lateness_seconds_sum", {"channel": "email"})
        == 0.0
    )


def test_a_stopped_server_gives_its_port_back(metrics: Metrics) -> None:
    (port,) = free_ports(1)
    metrics.serve("127.0.0.1", port)
    metrics.stop()

    again = Metrics()
    again.serve("127.0.0.1", port)
    again.stop()
