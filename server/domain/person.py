"""What can be said of a person when they are put, and the form in which it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from server.domain.addresses import normalise_email, normalise_phone
from server.domain.validation import ADDRESS_LENGTH, ID_LENGTH, PUSH_TOKENS, Checks


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """A person as they are put: all that is known of them."""

    person_id: str
    attributes: dict[str, object] = field(default_factory=dict)
    email: str | None = None
    phone: str | None = None
    push_tokens: tuple[str, ...] = ()
    locale: str | None = None
    time_zone: str | None = None


def check_person(checks: Checks, person: NewPerson, prefix: str = "", region: str | None = None) -> NewPerson:
    """The person with their addresses in the form that is kept. What is wrong goes to `checks`, with `prefix` before the field's name; the
    person is then not for keeping. Phone numbers without a country code are read as of `region`."""
    checks.line(f"{prefix}person_id", person.person_id, ID_LENGTH)
    checks.json_object(f"{prefix}attributes", person.attributes)
    checks.require(len(person.push_tokens) <= PUSH_TOKENS, f"{prefix}push_tokens", f"must be at most {PUSH_TOKENS}")
    for index, token in enumerate(person.push_tokens[:PUSH_TOKENS]):
        checks.line(f"{prefix}push_tokens[{index}]", token, ADDRESS_LENGTH)
    if person.locale is not None:
        checks.language_tag(f"{prefix}locale", person.locale)
    if person.time_zone is not None:
        checks.time_zone(f"{prefix}time_zone", person.time_zone)
    email, phone = person.email, person.phone
    if email is not None:
        email = _normalised(checks, f"{prefix}email", email, normalise_email)
    if phone is not None:
        phone = _normalised(checks, f"{prefix}phone", phone, lambda text: normalise_phone(text, region))
    return replace(person, email=email, phone=phone)


def _normalised(checks: Checks, name: str, address: str, normalise: Callable[[str], str]) -> str:
    before = checks.count
    checks.line(name, address, ADDRESS_LENGTH)
    if checks.count == before:
        try:
            return normalise(address)
        except ValueError as error:
            checks.add(name, str(error))
    return address
