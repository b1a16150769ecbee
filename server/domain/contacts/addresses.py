"""Puts every address that comes in into the form in which it is kept, compared and put on the wire,
or refuses it.

Suppressions, duplicates, dedup keys and providers know this form and no other
(docs/decisions/0017).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from server.domain.contacts.email_addresses import normalise_email
from server.domain.contacts.invisible_characters import refuse_invisible
from server.domain.contacts.phone_numbers import normalise_phone
from server.domain.validation import Checks
from storage.model.channels import Channel

Recipient = tuple[str, str]
"""A person's id and the address to reach them at."""

# What nearly every id and device token is, and nothing has to be done to.
_PLAIN = re.compile(r"[!-~]+")
_DOTS = (".", "..")
"""URLs with such a segment mean another path (RFC 3986 section 5.2.4), so that no call could name
the person."""


def normalise_address(channel: str, text: str) -> str:
    """An address of the channel in normal form: mail addresses in lower case with an ASCII domain,
    phone numbers in E.164, device tokens without white space around them; of in_app the address is
    the person's id. Raises ValueError: the text says why, without the address.
    """
    return _NORMALISE[channel](text)


def read_address(channel: str, kept: str) -> str | None:
    """The normal form of an address that a row has; None if it has none. Rows of before decision 17
    have addresses as they were given."""
    try:
        return normalise_address(channel, kept)
    except ValueError:
        return None


def normalise_person_id(text: str) -> str:
    """A person's id without white space around it. Raises ValueError for one that could not stand
    in the path of a URL, and for one with characters that nobody sees."""
    person_id = _normalise_token(text)
    if person_id in _DOTS:
        raise ValueError("must not be '.' or '..', which cannot be part of a path")
    return person_id


def normalise_recipient(channel: str, recipient: Recipient) -> Recipient:
    """A person and an address in normal form. Raises ValueError, also if somebody else's id is
    given as the address of in_app."""
    person_id, address = recipient
    normal = normalise_person_id(person_id), normalise_address(channel, address)
    if channel == Channel.IN_APP:
        _require_own_id(*normal)
    # A million of them come at once: the same object takes no room.
    return recipient if normal == recipient else normal


def find_channel_of(
    person_id: str, text: str, channels: Collection[str]
) -> tuple[Channel, str] | None:
    """The channel that takes such an address, and its normal form: the person's own id is one of
    in_app. Nearly every text could be a device token, so it counts as one only where push is among
    the `channels` that are asked about. None if no channel takes it."""
    for channel in (Channel.EMAIL, Channel.SMS, Channel.IN_APP, Channel.PUSH):
        address = read_address(channel, text)
        if address is not None and _is_taken(channel, address, person_id, channels):
            return channel, address
    return None


def _is_taken(channel: Channel, address: str, person_id: str, channels: Collection[str]) -> bool:
    if channel is Channel.IN_APP:
        return address == person_id
    is_token = _PLAIN.fullmatch(address) is not None and "@" not in address
    return channel is not Channel.PUSH or (channel in channels and is_token)


def check_address(checks: Checks, field: str, channel: str, text: str) -> str:
    """The address in normal form; what is wrong with it goes to `checks`, and it is then not for
    use."""
    return _checked(checks, field, text, lambda given: normalise_address(channel, given))


def check_phone(checks: Checks, field: str, text: str, region: str | None) -> str:
    """As `check_address` of sms; a number without a country code is read as one of `region` (ISO
    3166), if that is given."""
    return _checked(checks, field, text, lambda given: normalise_phone(given, region))


def check_person_id(checks: Checks, field: str, text: str) -> str:
    """The person's id in normal form; what is wrong with it goes to `checks`, and it is then not
    for use."""
    return _checked(checks, field, text, normalise_person_id)


def check_recipient(
    checks: Checks, channel: str, recipient: Recipient, prefix: str = ""
) -> Recipient:
    """A person and an address in normal form; what is wrong with `person_id` and `recipient`, after
    `prefix`, goes to `checks`."""
    try:
        return normalise_recipient(channel, recipient)
    except ValueError:
        return _with_faults(checks, channel, recipient, prefix)


def _with_faults(checks: Checks, channel: str, recipient: Recipient, prefix: str) -> Recipient:
    before = checks.count
    normal = (
        check_person_id(checks, f"{prefix}person_id", recipient[0]),
        check_address(checks, f"{prefix}recipient", channel, recipient[1]),
    )
    if channel == Channel.IN_APP and checks.count == before:
        try:
            _require_own_id(*normal)
        except ValueError as error:
            checks.add(f"{prefix}recipient", str(error))
    return normal


def _normalise_token(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    refuse_invisible(text)
    token = text.strip()
    if not token:
        raise ValueError("is required")
    return token


def _require_own_id(person_id: str, address: str) -> None:
    if person_id != address:
        raise ValueError("must be the person_id: on in_app that is the address")


def _checked(checks: Checks, field: str, text: str, normalise: Callable[[str], str]) -> str:
    try:
        return normalise(text)
    except ValueError as error:
        checks.add(field, str(error))
    return text


_NORMALISE: dict[str, Callable[[str], str]] = {
    Channel.EMAIL: normalise_email,
    Channel.SMS: normalise_phone,
    Channel.PUSH: _normalise_token,
    Channel.IN_APP: normalise_person_id,
}
