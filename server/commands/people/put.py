"""Puts people: one, or many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.contacts.person import NewPerson, SaidConsent, check_person
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.consents import Consent
from storage.model.ids import new_id
from storage.model.people import Person

MOST_VIOLATIONS = 20
"""After so many, the rest of a batch is not looked at."""


@dataclass(frozen=True, slots=True)
class PreparedPeople:
    """People that may be put, as they will be kept."""

    brand_id: str
    people: Sequence[NewPerson]


def prepare_people(brand_id: str, people: Sequence[NewPerson]) -> PreparedPeople:
    """Checks the people of a batch and normalises their addresses.

    Pure, and takes up to about a second, so not for a transaction or the event loop. Raises
    ValidationFailed with the first MOST_VIOLATIONS; if more people follow, an entry for `people`
    says where the look ended.
    """
    checks = Checks()
    prepared: list[NewPerson] = []
    places: dict[str, int] = {}
    for index, person in enumerate(people):
        if checks.count >= MOST_VIOLATIONS:
            checks.add(
                "people",
                f"have been checked up to people[{index - 1}] only, because of so much before it",
            )
            break
        checked = check_person(checks, person, f"people[{index}].")
        first = places.setdefault(checked.person_id, index)
        checks.require(
            first == index, f"people[{index}].person_id", f"is also that of people[{first}]"
        )
        prepared.append(checked)
    checks.finish()
    return PreparedPeople(brand_id, prepared)


async def put_person(tx: Transaction, caller: Caller, brand_id: str, person: NewPerson) -> Person:
    """Creates the person or replaces all that is known of them. Raises NotFound for a brand of
    others, ValidationFailed."""
    checks = Checks()
    person = check_person(checks, person)
    checks.finish()
    caller.principal.require_brand(brand_id)
    put = await tx.people.put(_record(caller, brand_id, person))
    await note(tx, caller, brand_id, AuditAction.PERSON_PUT, put.person_id)
    return put


async def put_people(tx: Transaction, caller: Caller, prepared: PreparedPeople) -> int:
    """Creates each person or replaces all that is known of them, and records what they said, all or
    none; how many they are. Raises NotFound for a brand of others."""
    brand_id, people = prepared.brand_id, prepared.people
    caller.principal.require_brand(brand_id)
    await tx.people.put_many([_record(caller, brand_id, person) for person in people])
    consents = [
        _consent(caller, brand_id, person.person_id, said)
        for person in people
        for said in person.consents
    ]
    await tx.consents.put_said_elsewhere(consents)
    counts = {"count": len(people)} | ({"consents": len(consents)} if consents else {})
    await note(tx, caller, brand_id, AuditAction.PEOPLE_PUT, brand_id, **counts)
    return len(people)


def _record(caller: Caller, brand_id: str, person: NewPerson) -> Person:
    return Person(
        brand_id=brand_id,
        person_id=person.person_id,
        attributes=person.attributes,
        email=person.email,
        phone=person.phone,
        push_tokens=person.push_tokens,
        locale=person.locale,
        time_zone=person.time_zone,
        created_at=caller.now,
        updated_at=caller.now,
    )


def _consent(caller: Caller, brand_id: str, person_id: str, said: SaidConsent) -> Consent:
    return Consent(
        id=new_id(),
        brand_id=brand_id,
        person_id=person_id,
        channel=said.channel,
        category=said.category,
        opted_in=said.opted_in,
        source=said.source,
        created_at=caller.now,
        updated_at=caller.now,
    )
