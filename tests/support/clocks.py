"""A clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        """The current instant."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Moves it forward; the instant it then shows."""
        self._now += timedelta(seconds=seconds)
        return self._now
