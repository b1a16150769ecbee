"""How many calls of a provider may be in progress: one budget for one-offs and sends, part of which
is for one-offs alone; and when slots that became free are worth a mark, which costs a commit
however many rows it is for."""

from __future__ import annotations

from server.dispatch.delivery.reserve import Kind, without_reserve

ENOUGH = 0.75
"""The part of what a kind may use that is worth a mark at once."""
GATHERING = 0.01
"""Seconds after which fewer are."""


class Slots:
    """Counts calls in progress. With a single slot, which both kinds need, nothing is reserved."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._taken = dict.fromkeys(Kind, 0)
        self._last_taken = dict.fromkeys(Kind, -GATHERING)

    def free(self, kind: Kind) -> int:
        """How many a kind may take now."""
        free = self._total - sum(self._taken.values())
        if kind is Kind.SENDS:
            free = min(free, without_reserve(self._total) - self._taken[kind])
        return max(free, 0)

    def room(self, kind: Kind, now: float) -> int:
        """How many it is worth taking at `now`, by a steady clock in seconds: those that are free,
        unless they are few and others may follow in a moment."""
        return 0 if self.seconds_until_room(kind, now) else self.free(kind)

    def seconds_until_room(self, kind: Kind, now: float) -> float:
        """Until any free slot is worth taking, whatever else happens. 0 for a kind that has no
        calls in progress."""
        free = self.free(kind)
        if free >= ENOUGH * (free + self._taken[kind]):
            return 0.0
        return max(0.0, self._last_taken[kind] + GATHERING - now)

    def take(self, kind: Kind, count: int, now: float) -> None:
        """Takes slots that are free for the kind."""
        self._taken[kind] += count
        self._last_taken[kind] = now

    def give_back(self, kind: Kind, count: int) -> None:
        """Gives back slots that the kind took."""
        self._taken[kind] -= count
