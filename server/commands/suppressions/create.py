"""Suppressing addresses, one or many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.contacts.addresses import check_address
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.ids import new_id
from storage.model.suppressions import Suppression, SuppressionReason

DEFAULT_SOURCE = "api"

_MOST_VIOLATIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSuppression:
    """An address to suppress."""

    channel: str
    address: str
    reason: SuppressionReason
    source: str
    """Empty: DEFAULT_SOURCE."""


async def create_suppression(
    tx: Transaction, caller: Caller, brand_id: str, new: NewSuppression, field: str = "address"
) -> Suppression:
    """Suppresses the address, which came in `field`, and returns what holds now: what was there, if
    its reason is at least as strong.

    Raises NotFound for a brand of others, ValidationFailed.
    """
    checks = Checks()
    new = _check(checks, new, field)
    checks.finish()
    caller.principal.require_brand(brand_id)
    suppression = _suppression(caller, brand_id, new)
    await tx.suppressions.put_many([suppression])
    stored = await tx.suppressions.find_address(brand_id, suppression.channel, suppression.address)
    assert stored is not None, "it was put in this transaction"
    asked = {"channel": new.channel, "reason": new.reason.value}
    await note(tx, caller, brand_id, AuditAction.SUPPRESSION_CREATED, stored.id, **asked)
    return stored


async def create_suppressions(
    tx: Transaction, caller: Caller, brand_id: str, batch: Sequence[NewSuppression]
) -> int:
    """Suppresses each address as `create_suppression` does, all or none; returns how many there
    were.

    Raises NotFound for a brand of others, ValidationFailed with the first violations.
    """
    checks = Checks()
    checked: list[NewSuppression] = []
    for index, new in enumerate(batch):
        checked.append(_check(checks, new, f"suppressions[{index}].address"))
        if checks.count >= _MOST_VIOLATIONS:
            break
    checks.finish()
    caller.principal.require_brand(brand_id)
    await tx.suppressions.put_many([_suppression(caller, brand_id, new) for new in checked])
    await note(tx, caller, brand_id, AuditAction.SUPPRESSIONS_CREATED, brand_id, count=len(batch))
    return len(batch)


def _check(checks: Checks, new: NewSuppression, field: str) -> NewSuppression:
    """The same with its address in normal form; what is wrong goes to `checks`."""
    address = check_address(checks, field, new.channel, new.address)
    return replace(new, address=address)


def _suppression(caller: Caller, brand_id: str, new: NewSuppression) -> Suppression:
    return Suppression(
        id=new_id(),
        brand_id=brand_id,
        channel=new.channel,
        address=new.address,
        reason=new.reason,
        source=new.source or DEFAULT_SOURCE,
        created_at=caller.now,
    )
