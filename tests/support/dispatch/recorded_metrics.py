"""Metrics of a dispatcher, kept for a test to look at."""

from __future__ import annotations

from collections import Counter


class RecordedMetrics:
    """Keeps every figure."""

    def __init__(self) -> None:
        self.deliveries: Counter[tuple[str, str]] = Counter()
        self.lateness: list[float] = []
        self.recoveries: list[tuple[int, int, int]] = []
        self.expiries: list[int] = []
        self.drifts: list[int] = []
        self.holds: list[bool] = []
        self.breakers: list[tuple[str, bool]] = []

    def delivered(self, channel: str, outcome: str, count: int = 1) -> None:
        self.deliveries[channel, str(outcome)] += count

    def late(self, channel: str, seconds: float) -> None:
        self.lateness.append(seconds)

    def recovered(self, released: int, in_doubt: int, resent: int) -> None:
        self.recoveries.append((released, in_doubt, resent))

    def expired(self, count: int) -> None:
        self.expiries.append(count)

    def drift(self, count: int) -> None:
        self.drifts.append(count)

    def held(self, held: bool) -> None:
        self.holds.append(held)

    def breaker_open(self, channel: str, is_open: bool) -> None:
        self.breakers.append((channel, is_open))
