"""Rate limits of providers and brands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How many provider calls may begin, all replicas together."""

    key: str
    """What is limited; names the row that the replicas share."""
    per_second: float
    burst: int
    """Calls that may begin at once after a quiet time; at least 1."""
