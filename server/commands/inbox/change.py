"""Marks items of an inbox as read, and archives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from server.commands.inbox.owner import Owner, calling_owner, named_owner
from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.errors import NotFound
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.inbox import InboxItem


async def read_items(
    tx: Transaction, caller: Caller, brand_id: str, person_id: str, item_ids: Sequence[str]
) -> int:
    """Marks items of a person as read; how many were not before. Raises NotFound for a brand of
    others, ValidationFailed."""
    owner = named_owner(caller, brand_id, person_id)
    count = await tx.inbox.mark_read(
        owner.brand_id, owner.person_id, _in_one_form(item_ids), caller.now
    )
    await _note(tx, caller, owner, AuditAction.INBOX_ITEMS_READ, count)
    return count


async def archive_items(
    tx: Transaction, caller: Caller, brand_id: str, person_id: str, item_ids: Sequence[str]
) -> int:
    """Archives items of a person; how many were not before. Raises NotFound for a brand of others,
    ValidationFailed."""
    owner = named_owner(caller, brand_id, person_id)
    count = await tx.inbox.archive(
        owner.brand_id, owner.person_id, _in_one_form(item_ids), caller.now
    )
    await _note(tx, caller, owner, AuditAction.INBOX_ITEMS_ARCHIVED, count)
    return count


async def read_notification(
    tx: Transaction, caller: Caller, brand_id: str, item_id: str
) -> InboxItem:
    """Marks one item of the caller's own inbox as read. One that is read stays as it is. Raises
    NotFound, ValidationFailed, PatientAmbiguous."""
    owner = await calling_owner(tx, caller, brand_id)
    changed = await tx.inbox.mark_read(owner.brand_id, owner.person_id, [item_id], caller.now)
    item = await tx.inbox.find(owner.brand_id, owner.person_id, item_id)
    if item is None:
        raise NotFound("notification")
    if not changed:
        return item
    await note(tx, caller, owner.brand_id, AuditAction.NOTIFICATION_READ, item_id)
    return replace(item, read_at=caller.now)


def _in_one_form(item_ids: Sequence[str]) -> list[str]:
    """Each once, as they are kept: UUIDs may be written in either case."""
    return list(dict.fromkeys(map(str.lower, item_ids)))


async def _note(
    tx: Transaction, caller: Caller, owner: Owner, action: AuditAction, count: int
) -> None:
    if count:
        await note(tx, caller, owner.brand_id, action, owner.person_id, count=count)
