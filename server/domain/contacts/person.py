"""Checks what is said of a person when they are put, and brings it into the form in which it is
kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from server.domain.contacts.addresses import check_address, check_person_id, check_phone
from server.domain.validation import Checks
from storage.model.channels import Channel


@dataclass(frozen=True, slots=True)
class SaidConsent:
    """What a person said about a category of messages on a channel."""

    channel: str
    category: str
    source: str
    """Where they said it."""
    opted_in: bool


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
    consents: tuple[SaidConsent, ...] = ()
    """What they said. About a channel and category that is not here, what they said before."""

    def after(self, earlier: NewPerson) -> NewPerson:
        """The person as they are when `earlier` was put before."""
        said = {(each.channel, each.category): each for each in (*earlier.consents, *self.consents)}
        return replace(self, consents=tuple(said.values()))


def check_person(
    checks: Checks, person: NewPerson, prefix: str = "", region: str | None = None
) -> NewPerson:
    """The person with their id and addresses in normal form. What is wrong goes to `checks`, with
    `prefix` before the field's name; the person is then not for keeping. Phone numbers without a
    country code are read as of `region`."""
    person_id = check_person_id(checks, f"{prefix}person_id", person.person_id)
    checks.json_object(f"{prefix}attributes", person.attributes)
    tokens = [
        check_address(checks, f"{prefix}push_tokens[{index}]", Channel.PUSH, token)
        for index, token in enumerate(person.push_tokens)
    ]
    if person.time_zone is not None:
        checks.time_zone(f"{prefix}time_zone", person.time_zone)
    email, phone = person.email, person.phone
    if email is not None:
        email = check_address(checks, f"{prefix}email", Channel.EMAIL, email)
    if phone is not None:
        phone = check_phone(checks, f"{prefix}phone", phone, region)
    return replace(person, person_id=person_id, email=email, phone=phone, push_tokens=tuple(tokens))
