"""Records what people said they agree to."""

from __future__ import annotations

from datetime import datetime

from server.commands.consents.key import ContactKey
from server.commands.operations.audit import note
from server.domain.access import Caller
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.consents import Consent
from storage.model.ids import new_id

REVOKED = "unsubscribe"
"""The source of what `revoke_consent` records."""


async def put_consent(
    tx: Transaction, caller: Caller, key: ContactKey, source: str, *, opted_in: bool
) -> Consent:
    """Records what the person said, in the place of what they said before. Raises NotFound for a
    brand of others, ValidationFailed."""
    key = key.checked(caller)
    stored = await record_consent(tx, key, source, caller.now, opted_in=opted_in)
    await note(
        tx,
        caller,
        key.brand_id,
        AuditAction.CONSENT_PUT,
        key.person_id,
        opted_in=opted_in,
        channel=key.channel,
        category=key.category,
    )
    return stored


async def revoke_consent(tx: Transaction, caller: Caller, key: ContactKey) -> Consent:
    """Records that the person wants no more of it. Raises NotFound for a brand of others,
    ValidationFailed."""
    return await put_consent(tx, caller, key, REVOKED, opted_in=False)


async def record_consent(
    tx: Transaction, key: ContactKey, source: str, now: datetime, *, opted_in: bool
) -> Consent:
    """Writes the row and returns it as it is stored."""
    consent = Consent(
        id=new_id(),
        brand_id=key.brand_id,
        person_id=key.person_id,
        channel=key.channel,
        category=key.category,
        opted_in=opted_in,
        source=source,
        created_at=now,
        updated_at=now,
    )
    await tx.consents.put_many([consent])
    stored = await tx.consents.find(key.brand_id, key.person_id, key.channel, key.category)
    assert stored is not None, "it was put in this transaction"
    return stored
