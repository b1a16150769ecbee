"""The figures that a dispatcher reports, whoever publishes them."""

from __future__ import annotations

from typing import Protocol


class DispatchMetrics(Protocol):
    """Takes figures, on the event loop. Never raises, never waits."""

    def delivered(self, channel: str, outcome: str, count: int = 1) -> None:
        """So many provider calls have ended: accepted, rejected or ambiguous; or in_app messages
        were delivered (accepted)."""

    def late(self, channel: str, seconds: float) -> None:
        """The first call for a one-off began so long after the time it was asked to go out at."""

    def recovered(self, released: int, in_doubt: int, resent: int) -> None:
        """Leases were taken back; see `storage.model.deliveries.Recovery`."""

    def expired(self, count: int) -> None:
        """So many messages went stale before anybody claimed them."""

    def drift(self, count: int) -> None:
        """So many sends have counters that are not what their rows say; told after every
        recount."""

    def held(self, held: bool) -> None:
        """Whether delivery is held; told whenever it was looked at."""

    def breaker_open(self, channel: str, is_open: bool) -> None:
        """Whether the circuit of a channel's provider is open or half-open; told when it
        changes."""


class NoopMetrics:
    """Forgets every figure."""

    def delivered(self, channel: str, outcome: str, count: int = 1) -> None:
        """See `DispatchMetrics`."""

    def late(self, channel: str, seconds: float) -> None:
        """See `DispatchMetrics`."""

    def recovered(self, released: int, in_doubt: int, resent: int) -> None:
        """See `DispatchMetrics`."""

    def expired(self, count: int) -> None:
        """See `DispatchMetrics`."""

    def drift(self, count: int) -> None:
        """See `DispatchMetrics`."""

    def held(self, held: bool) -> None:
        """See `DispatchMetrics`."""

    def breaker_open(self, channel: str, is_open: bool) -> None:
        """See `DispatchMetrics`."""
