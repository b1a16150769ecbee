"""Suppressions: addresses that must not be contacted, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SuppressionReason(StrEnum):
    """Why an address is suppressed; the later, the stronger."""

    UNSUBSCRIBE = "unsubscribe"
    """The person wants no more of what is not transactional; any other reason holds back
    everything."""
    MANUAL = "manual"
    """An operator's decision."""
    HARD_BOUNCE = "hard_bounce"
    """The address does not exist."""
    COMPLAINT = "complaint"
    """The person reported a message as spam."""


STRENGTH: dict[SuppressionReason, int] = {
    reason: strength for strength, reason in enumerate(SuppressionReason, start=1)
}
"""A stronger reason replaces a weaker one, never the other way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that must not be contacted; of those that were not lifted there is one per brand,
    channel and address."""

    id: str
    brand_id: str
    channel: str
    address: str
    """As `normalise_address` writes it, which is how it is compared."""
    reason: SuppressionReason
    source: str
    created_at: datetime
    """When it was first suppressed."""
    lifted_at: datetime | None = None
    """Since when it holds nothing back any more; None while it does."""
