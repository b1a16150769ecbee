"""What transactions are for, and how long they may take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

STATEMENT_SECONDS = 60.0
"""Longest that one statement of a write may take: a million messages are accepted by a few."""


PREVIEWS_AT_ONCE = 2
"""Reads of Work.PREVIEWS that run at once in a process: its machine has few cores for them."""


MAINTENANCE = "\nmaintenance"
"""Whose the transactions are that follow from what callers asked for and may take their time. No
brand is called so."""


class Work(StrEnum):
    """What a transaction is for. Each kind has connections of its own, so that none waits for
    another."""

    CALLS = "calls"
    """What callers ask for."""
    DELIVERY = "delivery"
    """What the dispatcher does."""
    PREVIEWS = "previews"
    """What callers ask for and may take long: reads only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """How long reads may take, in seconds."""

    calls: float = 30.0
    previews: float = 5.0
    delivery: float = STATEMENT_SECONDS

    def of(self, work: Work) -> float:
        """The limit of reads of this kind."""
        return {
            Work.CALLS: self.calls,
            Work.DELIVERY: self.delivery,
            Work.PREVIEWS: self.previews,
        }[work]


DEFAULT_LIMITS = TimeLimits()
"""What holds where nothing is set."""
