"""Writes and reads the audit log."""

from __future__ import annotations

from server.domain.access import Caller
from server.domain.paging import Page, make_page, read_page_request
from storage.contract.storage import Transaction
from storage.model.audit import INSTALLATION, AuditAction, AuditEntry
from storage.model.ids import new_id
from storage.model.values import JsonObject


def decision(
    caller: Caller, brand_id: str, action: AuditAction, subject_id: str, details: JsonObject
) -> AuditEntry:
    """The entry of a caller's decision. Nothing personal belongs in `details`."""
    return AuditEntry(
        id=new_id(),
        brand_id=brand_id,
        actor=caller.principal.subject,
        action=action,
        subject_id=subject_id,
        details=details,
        created_at=caller.now,
        request_id=caller.request_id,
    )


async def note(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    action: AuditAction,
    subject_id: str,
    **details: object,
) -> None:
    """Logs a caller's decision in the transaction that carries it out."""
    await tx.audit.append([decision(caller, brand_id, action, subject_id, details)])


async def list_audit_entries(
    tx: Transaction, caller: Caller, brand_id: str, subject_id: str, page_size: int, page_token: str
) -> Page[AuditEntry]:
    """A page of a brand's entries, newest first; of one subject alone if it is given, and then with
    the acceptance of a one-off, which is kept in its row. Raises NotFound, ValidationFailed."""
    return await _list_entries(
        tx, caller.principal.brand_or_only(brand_id), subject_id, page_size, page_token
    )


async def list_installation_audit_entries(
    tx: Transaction, _: Caller, subject_id: str, page_size: int, page_token: str
) -> Page[AuditEntry]:
    """A page of the entries that concern no brand alone, newest first; of one subject if it is
    given. Raises ValidationFailed."""
    return await _list_entries(tx, INSTALLATION, subject_id, page_size, page_token)


async def _list_entries(
    tx: Transaction, brand_id: str, subject_id: str, page_size: int, page_token: str
) -> Page[AuditEntry]:
    query = f"audit/{brand_id}/{subject_id}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.audit.list_page(brand_id, subject_id or None, page.after, page.size + 1)
    if subject_id:
        rows += await _acceptance(tx, brand_id, subject_id, page.after)
    return make_page(rows, page, query, lambda entry: entry.id)


async def _acceptance(
    tx: Transaction, brand_id: str, message_id: str, after: str | None
) -> list[AuditEntry]:
    """The entry that a one-off's row stands for, unless it was on a page before. A message is older
    than any other entry about it."""
    found = await tx.messages.find_accepted(message_id)
    if (
        found is None
        or found[0].brand_id != brand_id
        or (after is not None and after <= message_id)
    ):
        return []
    message, accepted = found
    return [
        AuditEntry(
            id=message.id,
            brand_id=brand_id,
            actor=accepted.accepted_by,
            action=AuditAction.MESSAGE_SCHEDULED,
            subject_id=message.id,
            details={},
            created_at=message.created_at,
            request_id=accepted.request_id,
        )
    ]
