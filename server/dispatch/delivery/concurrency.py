"""Limits how many messages are in progress with a provider, from their mark to the commit of their
result, and tells when it is worth beginning more of them.

There is one limit for all messages, and a part of it is for transactional ones alone. Calls begin
with a mark, which costs a commit however many rows it is for, so a few of them wait a moment for
others.

Where a call takes less time than the commits around it, a provider would wait for marks most of the
time. So more messages are marked than it takes at once, as many as keep it busy (Little's law): a
quick provider has some waiting for their turn, a slow one none.
"""

from __future__ import annotations

from server.dispatch.delivery.reserve import marketing_share
from storage.model.messages import Purpose

WORTHWHILE = 0.75
"""The part of what a purpose may use that is worth a mark at once."""
LINGER = {Purpose.TRANSACTIONAL: 0.01, Purpose.MARKETING: 0.03}
"""Seconds after which fewer are."""
MOST_AHEAD = 3
"""Times what the provider takes at once that may be marked on top of it: what a crash may leave in
doubt although nobody was called for it."""
_NEWEST = 0.05
"""What the last call counts in a mean."""


class ConcurrencyLimit:
    """Counts the messages in progress. With a limit of one, which both purposes need, nothing is
    reserved."""

    def __init__(self, calls: int) -> None:
        """`calls` is how many the provider works on at once."""
        self._calls = calls
        self._called = self._beside = 0.0
        """Seconds, in the mean: of a call, and of what goes before and comes after it."""
        self._acquired = dict.fromkeys(Purpose, 0)
        self._last_acquired = {purpose: -linger for purpose, linger in LINGER.items()}

    @property
    def total(self) -> int:
        """How many messages may be in progress now: grows as calls turn out to be quick."""
        if not self._called:
            return self._calls
        return self._calls + int(self._calls * min(self._beside / self._called, MOST_AHEAD))

    def learn(self, called: float, beside: float) -> None:
        """Takes into account what a message that was accepted took, in seconds: its call, and the
        commits before and after it. Nothing is learned from a clock that stood still."""
        if not called:
            return
        self._called += _NEWEST * (called - self._called)
        self._beside += _NEWEST * (beside + LINGER[Purpose.MARKETING] - self._beside)

    def start_over(self) -> None:
        """Forgets what was learned: messages are marked for calls that may begin at once."""
        self._called = self._beside = 0.0

    def available(self, purpose: Purpose) -> int:
        """How many messages of a purpose may be marked now."""
        available = self.total - sum(self._acquired.values())
        if purpose is Purpose.MARKETING:
            available = min(available, marketing_share(self.total) - self._acquired[purpose])
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
        return max(0.0, self._last_acquired[purpose] + LINGER[purpose] - now)

    def acquire(self, purpose: Purpose, count: int, now: float) -> None:
        """Takes so many of those that are available to the purpose."""
        self._acquired[purpose] += count
        self._last_acquired[purpose] = now

    def release(self, purpose: Purpose, count: int) -> None:
        """Gives back so many that the purpose acquired."""
        self._acquired[purpose] -= count
