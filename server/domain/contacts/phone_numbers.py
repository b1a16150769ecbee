"""Reads phone numbers into the one form in which they are kept, compared and put on the wire:
E.164."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

from server.domain.contacts.invisible_characters import refuse_invisible

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# Digits of any script in the notations of E.123 and DIN 5008. The library would also read letters,
# and a number out of a sentence.
_PHONE_NOTATION = re.compile(r"\(?[+＋]?[\d\s().,/‐-―−-]+")


def normalise_phone(text: str, region: str | None = None) -> str:
    """The number in E.164. Without a country code it is read as one of `region` (ISO 3166), if that
    is given.

    Refused is what cannot be a number: of a length that its country does not have, or without its
    area code. Whether the number is assigned is not asked: numbering plans change sooner than the
    library that knows them, and those kept for tests and fiction are used in tests. Raises
    ValueError: the text says why, without the number.
    """
    if _is_settled(text):
        return text
    refuse_invisible(text)
    number = text.strip()
    if not _PHONE_NOTATION.fullmatch(number):
        raise ValueError("must be a phone number with its country code, such as +12025550100")
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            raise ValueError("must begin with a country code, such as +1") from None
        raise ValueError(
            "must be a phone number with its country code, such as +12025550100"
        ) from None
    match phonenumbers.is_possible_number_with_reason(parsed):
        case ValidationResult.IS_POSSIBLE:
            e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
            # A prefix taken off (`+44 (0)20 …`) may, in nonsense, uncover another.
            return e164 if e164 == number else normalise_phone(e164)
        case ValidationResult.TOO_LONG:
            raise ValueError("has too many digits for a phone number of its country")
        case ValidationResult.INVALID_COUNTRY_CODE:
            raise ValueError("must begin with a country code, such as +1")
        case _:
            raise ValueError("has too few digits for a phone number of its country")


def is_region(code: str) -> bool:
    """Whether numbers can be read as of this country (ISO 3166, two capital letters)."""
    return code in phonenumbers.SUPPORTED_REGIONS


def _is_settled(number: str) -> bool:
    """Whether the library would read this as a possible number and write it as it is. It takes 50
    µs to say so, this takes two."""
    if not _E164.fullmatch(number):
        return False
    for digits in (1, 2, 3):
        if (plan := _plan(number[1 : 1 + digits])) is not None:
            lengths, national_prefix = plan
            national = number[1 + digits :]
            return len(national) in lengths and (
                national_prefix is None or not national_prefix.match(national)
            )
    return False


@lru_cache(1024)
def _plan(country_code: str) -> tuple[frozenset[int], re.Pattern[str] | None] | None:
    """The lengths of a country's numbers, and what stands before them inside the country; None if
    there is no such country code."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(country_code))
    if regions is None:
        return None
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(
        int(country_code), regions[0]
    )
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    return frozenset(metadata.general_desc.possible_length), re.compile(prefix) if prefix else None
