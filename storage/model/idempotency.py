"""Answers kept for idempotency keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """The first answer to a request that carried an idempotency key."""

    scope: str
    key: str
    fingerprint: str
    response: bytes
    created_at: datetime
