"""Addresses in the one form in which they are kept and compared."""

from __future__ import annotations

import string

import phonenumbers

from server.domain.channels import Channel

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def normalise_address(channel: str, address: str) -> str:
    """The form that two spellings of one address share: of mail addresses in lower case (ASCII only, as the databases fold it), of phone
    numbers E.164. What cannot be read as such is only stripped of surrounding white space; nothing is refused here."""
    stripped = address.strip()
    match channel:
        case Channel.EMAIL:
            return stripped.lower() if stripped.isascii() else stripped.translate(_ASCII_LOWER)
        case Channel.SMS:
            return _e164(stripped)
        case _:
            return stripped


def _e164(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
