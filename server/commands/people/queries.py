"""Reads people."""

from __future__ import annotations

from server.domain.access import Caller
from server.domain.contacts.addresses import check_person_id
from server.domain.errors import NotFound
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.people import Person


async def get_person(tx: Transaction, caller: Caller, brand_id: str, person_id: str) -> Person:
    """The person. Raises NotFound, ValidationFailed."""
    person_id = checked_person_id(person_id)
    person = await tx.people.find(caller.principal.brand_or_only(brand_id), person_id)
    if person is None:
        raise NotFound("person")
    return person


def checked_person_id(person_id: str) -> str:
    """The id in normal form. Raises ValidationFailed for one that nobody has."""
    checks = Checks()
    person_id = check_person_id(checks, "person_id", person_id)
    checks.finish()
    return person_id
