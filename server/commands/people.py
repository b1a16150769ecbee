"""People: putting, reading, deleting; and their inbox."""

from __future__ import annotations

from dataclasses import replace

from server.domain.access import Caller
from server.domain.errors import NotFound
from server.domain.paging import Page, make_page, read_page_request
from server.domain.validation import ADDRESS_LENGTH, ID_LENGTH, PUSH_TOKENS, Checks
from storage.interface import Transaction
from storage.records import InboxItem, Person


async def put_person(tx: Transaction, caller: Caller, person: Person) -> Person:
    """Creates the person or replaces all that is known of them. Raises NotFound for a brand of others, ValidationFailed."""
    checks = Checks()
    checks.line("brand_id", person.brand_id, ID_LENGTH)
    checks.line("person_id", person.person_id, ID_LENGTH)
    checks.json_object("attributes", person.attributes)
    checks.line("email", person.email or "", ADDRESS_LENGTH, required=False)
    checks.line("phone", person.phone or "", ADDRESS_LENGTH, required=False)
    checks.require(len(person.push_tokens) <= PUSH_TOKENS, "push_tokens", f"must be at most {PUSH_TOKENS}")
    for index, token in enumerate(person.push_tokens):
        checks.line(f"push_tokens[{index}]", token, ADDRESS_LENGTH)
    if person.locale is not None:
        checks.language_tag("locale", person.locale)
    if person.time_zone is not None:
        checks.time_zone("time_zone", person.time_zone)
    checks.finish()
    caller.principal.require_brand(person.brand_id)
    return await tx.people.put(replace(person, created_at=caller.now, updated_at=caller.now))


async def get_person(tx: Transaction, caller: Caller, brand_id: str, person_id: str) -> Person:
    """The person. Raises NotFound, ValidationFailed."""
    person = await tx.people.find(caller.principal.brand_or_only(brand_id), person_id)
    if person is None:
        raise NotFound("person")
    return person


async def delete_person(tx: Transaction, caller: Caller, brand_id: str, person_id: str) -> None:
    """Deletes the person; messages accepted for them stay. Raises NotFound, ValidationFailed."""
    if not await tx.people.delete(caller.principal.brand_or_only(brand_id), person_id):
        raise NotFound("person")


async def list_inbox_items(
    tx: Transaction, caller: Caller, brand_id: str, person_id: str, page_size: int, page_token: str
) -> Page[InboxItem]:
    """A page of a person's inbox, newest first. Raises NotFound for a brand of others, ValidationFailed."""
    brand = caller.principal.brand_or_only(brand_id)
    query = f"inbox/{brand}/{person_id}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.inbox.list_page(brand, person_id, page.after, page.size + 1)
    return make_page(rows, page, query, lambda item: item.message_id)
