"""Leaves what failed alone for a while before it is tried again, so that it does not hold up the
others."""

from __future__ import annotations

from datetime import datetime, timedelta

RETRY_AFTER = timedelta(minutes=1)
"""How long something that failed cools down."""


class Cooldown:
    """Ids of things whose turn failed, each until it is tried again."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def __contains__(self, thing_id: str) -> bool:
        return thing_id in self._until

    def __len__(self) -> int:
        return len(self._until)

    def add(self, thing_id: str, now: datetime) -> None:
        """Leaves it alone from `now` on."""
        self._until[thing_id] = now + RETRY_AFTER

    def take_back(self, now: datetime) -> None:
        """Forgets those whose time is up."""
        self._until = {thing_id: until for thing_id, until in self._until.items() if until > now}

    def earliest(self) -> datetime | None:
        """When the first of them is tried again."""
        return min(self._until.values(), default=None)
