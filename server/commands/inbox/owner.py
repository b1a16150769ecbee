"""Says whose inbox a call is about."""

from __future__ import annotations

from dataclasses import dataclass

from server.commands.people.patients import find_person_of
from server.commands.people.queries import checked_person_id
from server.domain.access import Caller
from storage.contract.storage import Transaction


@dataclass(frozen=True, slots=True)
class Owner:
    """A person in a brand."""

    brand_id: str
    person_id: str


def named_owner(caller: Caller, brand_id: str, person_id: str) -> Owner:
    """The person that a service names. Raises NotFound for a brand of others, ValidationFailed,
    UnknownBrand."""
    person_id = checked_person_id(person_id)
    return Owner(caller.principal.brand_or_only(brand_id), person_id)


async def calling_owner(tx: Transaction, caller: Caller, brand_id: str) -> Owner:
    """The person that the caller's token stands for. Raises NotFound for a brand of others,
    ValidationFailed, UnknownBrand, PatientAmbiguous."""
    brand = caller.principal.brand_or_only(brand_id)
    return Owner(brand, await find_person_of(tx, brand, caller.principal.subject))
