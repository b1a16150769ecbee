"""Reads people and what is in their inbox."""

from __future__ import annotations

from server.domain.access import Caller
from server.domain.contacts.addresses import check_person_id
from server.domain.errors import NotFound
from server.domain.paging import Page, make_page, read_page_request
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.inbox import InboxItem
from storage.model.people import Person


async def get_person(tx: Transaction, caller: Caller, brand_id: str, person_id: str) -> Person:
    """The person. Raises NotFound, ValidationFailed."""
    person_id = checked_person_id(person_id)
    person = await tx.people.find(caller.principal.brand_or_only(brand_id), person_id)
    if person is None:
        raise NotFound("person")
    return person


async def list_inbox_items(
    tx: Transaction, caller: Caller, brand_id: str, person_id: str, page_size: int, page_token: str
) -> Page[InboxItem]:
    """A page of a person's inbox, newest first. Raises NotFound for a brand of others,
    ValidationFailed."""
    person_id = checked_person_id(person_id)
    brand = caller.principal.brand_or_only(brand_id)
    query = f"inbox/{brand}/{person_id}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.inbox.list_page(brand, person_id, page.after, page.size + 1)
    return make_page(rows, page, query, lambda item: item.message_id)


def checked_person_id(person_id: str) -> str:
    """The id in normal form. Raises ValidationFailed for one that nobody has."""
    checks = Checks()
    person_id = check_person_id(checks, "person_id", person_id)
    checks.finish()
    return person_id
