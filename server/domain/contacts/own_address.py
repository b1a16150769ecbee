"""Tells where a known person is reached."""

from __future__ import annotations

from storage.model.channels import Channel
from storage.model.people import Person


def own_address(person: Person, channel: str) -> str | None:
    """The person's own address on the channel, of several devices the first, as audiences have it;
    None without one."""
    match channel:
        case Channel.EMAIL:
            return person.email
        case Channel.SMS:
            return person.phone
        case Channel.PUSH:
            return next(iter(person.push_tokens), None)
        case _:
            return person.person_id
