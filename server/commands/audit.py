"""The audit log: what is written there, and reading it."""

from __future__ import annotations

from datetime import datetime

from server.domain.access import Caller
from server.domain.audit_actions import SERVICE, AuditAction
from server.domain.ids import new_id
from server.domain.paging import Page, make_page, read_page_request
from storage.interface import Transaction
from storage.operations import AuditEntry
from storage.records import JsonObject


def decision(caller: Caller, brand_id: str, action: AuditAction, subject_id: str, details: JsonObject) -> AuditEntry:
    """The entry of a caller's decision. Nothing personal belongs in `details`."""
    return _entry(caller.principal.subject, brand_id, action, subject_id, details, caller.now)


def own_decision(brand_id: str, action: AuditAction, subject_id: str, details: JsonObject, now: datetime) -> AuditEntry:
    """The entry of what a policy decided."""
    return _entry(SERVICE, brand_id, action, subject_id, details, now)


async def list_audit_entries(
    tx: Transaction, caller: Caller, brand_id: str, subject_id: str, page_size: int, page_token: str
) -> Page[AuditEntry]:
    """A page of a brand's entries, newest first; of one subject alone if it is given. Raises NotFound, ValidationFailed."""
    brand = caller.principal.brand_or_only(brand_id)
    query = f"audit/{brand}/{subject_id}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.audit.list_page(brand, subject_id or None, page.after, page.size + 1)
    return make_page(rows, page, query, lambda entry: entry.id)


def _entry(actor: str, brand_id: str, action: AuditAction, subject_id: str, details: JsonObject, now: datetime) -> AuditEntry:
    return AuditEntry(id=new_id(), brand_id=brand_id, actor=actor, action=action, subject_id=subject_id, details=details, created_at=now)
