"""What a brand may use of the service each second, and how it is counted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storage.model.brands import BrandPolicy

_ROUNDING = 1e-6
"""Seconds: sums of fractions are not exact."""
_REMEMBERED = 4096
"""Keys after which those are forgotten that have used nothing lately."""


class Budget(StrEnum):
    """What is counted, each by the second."""

    REQUESTS = "requests"
    ROWS = "rows"
    """Items of the lists of one request that become rows: recipients, people, messages."""
    BYTES = "bytes"
    """Of what is rendered to go out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """What a brand may use each second; 0: no limit."""

    requests: float = 0.0
    rows: float = 0.0
    bytes: float = 0.0

    def of(self, budget: Budget) -> float:
        """How much of it."""
        return {
            Budget.REQUESTS: self.requests,
            Budget.ROWS: self.rows,
            Budget.BYTES: self.bytes,
        }[budget]


def rate_of(policy: BrandPolicy, budget: Budget, default: float) -> float:
    """What the brand may use of it each second: what its policy says, or else the default."""
    own = policy.budgets.get(budget)
    # JSON of the database has numbers as they were written.
    return float(str(own)) if own else default


class Meter:
    """Counts what keys have used of a rate, in the memory of this process (GCRA).

    Whatever is larger than the burst passes when nothing was used lately, and is paid off before
    anything else passes: what is refused is never refused for good.
    """

    def __init__(self, burst_seconds: float) -> None:
        """A key may use so many seconds' worth at once."""
        self.burst_seconds = burst_seconds
        self._paid_at: dict[str, float] = {}

    def wait(self, key: str, amount: float, rate: float, now: float) -> float:
        """Seconds until the key may use the amount; 0: now."""
        ahead = self._paid_at.get(key, now) - now
        wait = ahead + min(amount / rate, self.burst_seconds) - self.burst_seconds
        return wait if wait > _ROUNDING else 0.0

    def use(self, key: str, amount: float, rate: float, now: float) -> None:
        """Counts the amount."""
        if len(self._paid_at) >= _REMEMBERED:
            self._paid_at = {key: at for key, at in self._paid_at.items() if at > now}
        self._paid_at[key] = max(self._paid_at.get(key, now), now) + amount / rate
