"""What is recorded of who may be contacted, and in plain words what it means."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

from storage.contract.storage import Transaction
from storage.model.audiences import SkipReason
from storage.model.consents import Consent
from storage.model.gate import GateRule
from storage.model.ids import new_id
from storage.model.preferences import Preference
from storage.model.suppressions import Suppression, SuppressionReason
from tests.support.storage.made import BRAND, NOW


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded of a person in their brand, on the channel, in the category; None:
    nothing."""

    suppressed: SuppressionReason | None = None
    """Why their address is."""
    opted_in: bool | None = None
    enabled: bool | None = None


EVERY_RECORD = [
    Recorded(*each)
    for each in product((None, *SuppressionReason), (None, False, True), (None, False, True))
]


def held_back(rule: GateRule, recorded: Recorded) -> SkipReason | None:
    """What the contract says, in plain words."""
    suppressed, opted_in = recorded.suppressed, recorded.opted_in
    if suppressed and not (rule.transactional and suppressed is SuppressionReason.UNSUBSCRIBE):
        return SkipReason.SUPPRESSED
    if rule.transactional:
        return None
    if opted_in is False or (opted_in is None and rule.opt_in):
        return SkipReason.NO_CONSENT
    return SkipReason.PREFERENCE_OFF if recorded.enabled is False else None


async def record(
    tx: Transaction, person_id: str, recorded: Recorded, category: str = "marketing"
) -> None:
    """Writes it, and the opposite in another brand, on another channel and in another category;
    and that the address was suppressed once, for the strongest reason."""
    lifted = suppression(f"{person_id}@example.com", SuppressionReason.COMPLAINT)
    await tx.suppressions.put_many([lifted])
    await tx.suppressions.lift(lifted.id, NOW)
    if recorded.suppressed is not None:
        again = suppression(f"{person_id}@example.com", recorded.suppressed)
        await tx.suppressions.put_many([again])
    if recorded.opted_in is not None:
        said = consent(person_id, recorded.opted_in, category=category)
        await tx.consents.put_many([said])
    if recorded.enabled is not None:
        wanted = preference(person_id, recorded.enabled, category=category)
        await tx.preferences.put_many([wanted])
    here = {"category": category}
    for beside in ({"brand_id": "beside"}, {"channel": "push"}, {"category": "beside"}):
        where = here | beside
        await tx.consents.put_many([consent(person_id, not recorded.opted_in, **where)])
        await tx.preferences.put_many([preference(person_id, not recorded.enabled, **where)])


def consent(person_id: str, opted_in: bool, **more: Any) -> Consent:
    """On email, to marketing, unless it says otherwise."""
    values: dict[str, Any] = {
        "id": new_id(), "brand_id": BRAND, "channel": "email", "category": "marketing",
        "source": "test", "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Consent(person_id=person_id, opted_in=opted_in, **values | more)


def preference(person_id: str, enabled: bool, **more: Any) -> Preference:
    """On email, of marketing, unless it says otherwise."""
    values: dict[str, Any] = {
        "id": new_id(), "brand_id": BRAND, "channel": "email", "category": "marketing",
        "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Preference(person_id=person_id, enabled=enabled, **values | more)


def suppression(address: str, reason: SuppressionReason) -> Suppression:
    """Of a mail address."""
    return Suppression(
        id=new_id(), brand_id=BRAND, channel="email", address=address, reason=reason,
        source="test", created_at=NOW,
    )  # fmt: skip
