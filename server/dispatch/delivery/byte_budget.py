"""Keeps what goes out for a brand within its bytes: a small request can render to a lot."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from server.channels.provider import Envelope
from server.domain.budgets import Budget, Meter, rate_of
from storage.model.brands import BrandPolicy

BURST_SECONDS = 10.0
"""Seconds' worth that may go out at once. More than that goes out too, since a message cannot be
cut; the brand's next ones wait."""


class ByteBudget:
    """Counts what was rendered, in the memory of this process."""

    def __init__(self, per_second: float = 0.0) -> None:
        """`per_second` holds for brands whose policy does not say otherwise; 0: no limit."""
        self._per_second = per_second
        self._meter = Meter(BURST_SECONDS)

    def charge(self, rendered: Iterable[tuple[BrandPolicy, Envelope]], now: datetime) -> None:
        """Counts envelopes that are to go out."""
        for policy, envelope in rendered:
            rate = rate_of(policy, Budget.BYTES, self._per_second)
            if rate:
                self._meter.use(policy.brand_id, _size(envelope), rate, now.timestamp())

    def free_at(self, brand_id: str, now: datetime) -> datetime:
        """When more may go out for the brand."""
        return now + timedelta(seconds=self._meter.wait(brand_id, 0, 1, now.timestamp()))


def _size(envelope: Envelope) -> int:
    texts = (envelope.subject or "", envelope.body, envelope.html or "")
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts)
