"""What the gate goes by: whether a message of a category may reach people on a channel."""

from __future__ import annotations

from dataclasses import dataclass

from storage.model.brands import BrandPolicy
from storage.model.consents import ConsentDefault


@dataclass(frozen=True, slots=True)
class GateRule:
    """A category on a channel of a brand, and what the brand's policy says of it."""

    brand_id: str
    channel: str
    category: str
    transactional: bool
    """It passes consents and preferences, and suppressions that are unsubscribes."""
    opt_in: bool
    """Who said nothing has not consented."""

    @classmethod
    def of(cls, policy: BrandPolicy, channel: str, category: str) -> GateRule:
        """The rule by the brand's policy."""
        return cls(
            policy.brand_id,
            channel,
            category,
            transactional=policy.is_transactional(category),
            opt_in=policy.consent_default(channel) is ConsentDefault.OPT_IN,
        )
