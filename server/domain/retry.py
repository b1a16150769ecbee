"""When a message that was provably not sent is tried again."""

from __future__ import annotations

from datetime import timedelta
from random import Random

MAX_ATTEMPTS = 14
"""Provider calls before a message fails for good. With the delays below: 81 to 163 minutes of trying, which outlasts greylisting and most
outages."""
FIRST_DELAY = 5.0
"""Seconds before the second attempt."""
LONGEST_DELAY = 1800.0
"""Seconds between attempts at most."""


def delay_before_next(attempts_made: int, random: Random, retry_after: float | None = None) -> timedelta:
    """Exponential backoff with jitter: doubles from FIRST_DELAY up to LONGEST_DELAY, then up to half of it taken off at random.

    Jitter keeps messages that failed together from coming back together. A provider's own `retry_after` (seconds) is a lower bound.
    """
    ceiling = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (attempts_made - 1))
    return timedelta(seconds=max(ceiling * (1 - random.random() / 2), retry_after or 0.0))
