"""Brands and their policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from storage.model.consents import CONSENT_DEFAULTS, ConsentDefault
from storage.model.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A tenant; never deleted."""

    id: str
    name: str
    created_by: str
    created_at: datetime
    updated_at: datetime


TRANSACTIONAL = "transactional"
"""The category that is transactional in every brand."""


class UnknownPolicy(StrEnum):
    """What happens to a message whose outcome cannot be known."""

    PARK = "park"
    """It stays unknown until somebody resolves it: never sent twice."""
    RESEND = "resend"
    """It is sent again while attempts are left."""


class MisfirePolicy(StrEnum):
    """What happens to a one-off message or scheduled campaign that is found due long after its
    time."""

    SEND_NOW = "send_now"
    SKIP = "skip"
    EXPIRE_AFTER = "expire_after"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandPolicy:
    """How a brand's messages are treated where no single answer is right for everybody."""

    brand_id: str
    unknown_policy: UnknownPolicy = UnknownPolicy.PARK
    misfire_policy: MisfirePolicy = MisfirePolicy.SEND_NOW
    misfire_seconds: int = 0
    rate_limits: JsonObject = field(default_factory=dict)
    """By channel: `{"per_second": 5.0, "burst": 5}`."""
    consent_defaults: JsonObject = field(default_factory=dict)
    """By channel, the value of a ConsentDefault; CONSENT_DEFAULTS where there is none."""
    transactional_categories: tuple[str, ...] = ()
    """Beside TRANSACTIONAL."""
    budgets: JsonObject = field(default_factory=dict)
    """What the brand may use each second, by the name of the budget; what is not there is as the
    installation says."""
    updated_at: datetime | None = None
    """None for the defaults, which are stored nowhere."""
    updated_by: str | None = None

    def consent_default(self, channel: str) -> ConsentDefault:
        """What it means on a channel that a person said nothing."""
        return ConsentDefault(str(self.consent_defaults.get(channel, CONSENT_DEFAULTS[channel])))

    def is_transactional(self, category: str) -> bool:
        """Whether what is of the category passes consents and preferences."""
        return category == TRANSACTIONAL or category in self.transactional_categories
