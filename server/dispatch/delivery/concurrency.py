"""Limits how many calls of a provider are in progress, and tells when it is worth beginning more of
them.

There is one limit for all messages, and a part of it is for transactional ones alone. Calls begin
with a mark, which costs a commit however many rows it is for, so a few of them wait a moment for
others.
"""

from __future__ import annotations

from server.dispatch.delivery.reserve import marketing_share
from storage.model.messages import Purpose

WORTHWHILE = 0.75
"""The part of what a purpose may use that is worth a mark at once."""
LINGER = 0.01
"""Seconds after which fewer are."""


class ConcurrencyLimit:
    """Counts the calls in progress. With a limit of one call, which both purposes need, nothing is
    reserved."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._acquired = dict.fromkeys(Purpose, 0)
        self._last_acquired = dict.fromkeys(Purpose, -LINGER)

    def available(self, purpose: Purpose) -> int:
        """How many calls for a purpose may begin now."""
        available = self._total - sum(self._acquired.values())
        if purpose is Purpose.MARKETING:
            available = min(available, marketing_share(self._total) - self._acquired[purpose])
        return max(available, 0)

    def room(self, purpose: Purpose, now: float) -> int:
        """How many it is worth beginning at `now`, by a steady clock in seconds: those that may,
        unless they are few and others may follow in a moment."""
        return 0 if self.seconds_until_room(purpose, now) else self.available(purpose)

    def seconds_until_room(self, purpose: Purpose, now: float) -> float:
        """Until any that may begin are worth it, whatever else happens. 0 for a purpose that has no
        calls in progress."""
        available = self.available(purpose)
        if available >= WORTHWHILE * (available + self._acquired[purpose]):
            return 0.0
        return max(0.0, self._last_acquired[purpose] + LINGER - now)

    def acquire(self, purpose: Purpose, count: int, now: float) -> None:
        """Takes so many of those that are available to the purpose."""
        self._acquired[purpose] += count
        self._last_acquired[purpose] = now

    def release(self, purpose: Purpose, count: int) -> None:
        """Gives back so many that the purpose acquired."""
        self._acquired[purpose] -= count
