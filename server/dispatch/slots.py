"""How many calls of a provider may be in progress: one budget for one-offs and sends, part of which is for one-offs alone."""

from __future__ import annotations

from server.dispatch.kinds import Kind, without_reserve


class Slots:
    """Counts calls in progress. With a single slot, which both kinds need, nothing is reserved."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._taken = dict.fromkeys(Kind, 0)

    def free(self, kind: Kind) -> int:
        """How many a kind may take now."""
        free = self._total - sum(self._taken.values())
        if kind is Kind.SENDS:
            free = min(free, without_reserve(self._total) - self._taken[kind])
        return max(free, 0)

    def take(self, kind: Kind, count: int) -> None:
        """Takes slots that are free for the kind."""
        self._taken[kind] += count

    def give_back(self, kind: Kind, count: int) -> None:
        """Gives back slots that the kind took."""
        self._taken[kind] -= count
