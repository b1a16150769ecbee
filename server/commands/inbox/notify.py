"""Puts a notification into a person's inbox."""

from __future__ import annotations

from dataclasses import dataclass, field

from server.commands.operations.audit import note
from server.commands.people.patients import find_person_of
from server.domain.access import Caller
from server.domain.contacts.addresses import check_person_id
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.ids import new_id
from storage.model.inbox import InboxItem
from storage.model.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotification:
    """A notification as a service gives it."""

    brand_id: str
    patient_id: str
    kind: str
    title: str
    body: str | None = None
    link: str | None = None
    metadata: JsonObject = field(default_factory=dict)


async def create_notification(tx: Transaction, caller: Caller, new: NewNotification) -> InboxItem:
    """Puts it there. Raises NotFound for a brand of others, ValidationFailed, PatientAmbiguous."""
    checks = Checks()
    patient_id = check_person_id(checks, "patient_id", new.patient_id)
    checks.json_object("metadata", new.metadata)
    checks.finish()
    brand = caller.principal.require_brand(new.brand_id)
    item = InboxItem(
        id=new_id(),
        brand_id=brand,
        person_id=await find_person_of(tx, brand, patient_id),
        category=new.kind,
        title=new.title,
        body=new.body,
        action_url=new.link,
        metadata=new.metadata,
        created_at=caller.now,
    )
    await tx.inbox.insert(item)
    await note(tx, caller, brand, AuditAction.NOTIFICATION_CREATED, item.id)
    return item
