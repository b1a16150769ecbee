"""Deletes a person."""

from __future__ import annotations

from server.commands.operations.audit import note
from server.commands.people.queries import checked_person_id
from server.domain.access import Caller
from server.domain.errors import NotFound
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.programs import PERSON_DELETED


async def delete_person(tx: Transaction, caller: Caller, brand_id: str, person_id: str) -> None:
    """Deletes the person and their push subscriptions, and stops their enrollments; other messages
    accepted for them stay. Raises NotFound, ValidationFailed."""
    person_id = checked_person_id(person_id)
    brand = caller.principal.brand_or_only(brand_id)
    if not await tx.people.delete(brand, person_id):
        raise NotFound("person")
    await tx.enrollments.stop_person(brand, person_id, PERSON_DELETED, caller.now)
    await tx.push_subscriptions.delete_of_person(brand, person_id)
    await note(tx, caller, brand, AuditAction.PERSON_DELETED, person_id)
