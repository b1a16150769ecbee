"""Reads inboxes."""

from __future__ import annotations

from server.commands.inbox.owner import Owner, calling_owner, named_owner
from server.domain.access import Caller
from server.domain.paging import Page, make_page, read_page_request
from storage.contract.storage import Transaction
from storage.model.inbox import InboxItem


async def list_inbox_items(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    person_id: str,
    page_size: int,
    page_token: str,
    *,
    archived: bool,
) -> Page[InboxItem]:
    """A page of a person's inbox, or of what is archived of it, newest first. Raises NotFound for a
    brand of others, ValidationFailed."""
    owner = named_owner(caller, brand_id, person_id)
    return await _list(tx, owner, page_size, page_token, archived=archived)


async def list_notifications(
    tx: Transaction, caller: Caller, brand_id: str, page_size: int, cursor: str, page_token: str
) -> Page[InboxItem]:
    """A page of the caller's own inbox, newest first; `cursor` and `page_token` are two names of
    one thing. Raises NotFound for a brand of others, ValidationFailed, PatientAmbiguous."""
    owner = await calling_owner(tx, caller, brand_id)
    if cursor:
        return await _list(tx, owner, page_size, cursor, field="cursor")
    return await _list(tx, owner, page_size, page_token)


async def count_unread(tx: Transaction, caller: Caller, brand_id: str) -> int:
    """How many items of the caller's own inbox are not read. Raises NotFound for a brand of
    others, ValidationFailed, PatientAmbiguous."""
    owner = await calling_owner(tx, caller, brand_id)
    return await tx.inbox.count_unread(owner.brand_id, owner.person_id)


async def _list(
    tx: Transaction,
    owner: Owner,
    page_size: int,
    token: str,
    *,
    field: str = "page_token",
    archived: bool = False,
) -> Page[InboxItem]:
    query = f"inbox/{owner.brand_id}/{owner.person_id}{'/archived' if archived else ''}"
    page = read_page_request(page_size, token, query, field)
    rows = await tx.inbox.list_page(
        owner.brand_id, owner.person_id, page.after, page.size + 1, archived=archived
    )
    return make_page(rows, page, query, lambda item: item.id)
