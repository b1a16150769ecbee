"""Addresses in the one form in which they are kept and compared."""

from __future__ import annotations

import re
import string
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberFormat, ValidationResult

from server.domain.channels import Channel

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# RFC 5322 dot-atom within the 64 octets of RFC 5321: what nearly every address has, and what the library takes as it is.
_DOT_ATOM = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LONGEST_EMAIL = 254
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# Digits of any script in the notations of E.123 and DIN 5008. The library would also read letters, and a number out of a sentence.
_PHONE_NOTATION = re.compile(r"\(?[+＋]?[\d\s().,/‐-―−-]+")
_DOMAINS_REMEMBERED = 16_384


def normalise_email(text: str) -> str:
    """The address with its domain in lower case and ASCII (IDNA 2008), its local part as given; no DNS look-up.

    The ASCII form, because it is the one that every mail server takes, and the one in which two spellings of a domain meet. Domains below
    `.test` are taken, other reserved ones (RFC 6761, e.g. `localhost`) are not. Raises ValueError: the text says why, without the address.
    """
    local, at, domain = text.strip().rpartition("@")
    if domain.endswith(">"):
        raise ValueError("must be the address alone, without a display name")
    if not at or not local or not domain:
        raise ValueError("must be a mail address such as ann@example.com")
    ascii_domain = _ascii_domain(domain)
    if ascii_domain is None:
        raise ValueError("must have a domain that mail can be sent to after the @")
    if not _DOT_ATOM.fullmatch(local):
        local = _unusual_local_part(local)
    address = f"{local}@{ascii_domain}"
    if len(address.encode()) > _LONGEST_EMAIL:
        raise ValueError(f"must be at most {_LONGEST_EMAIL} bytes")
    return address


def normalise_phone(text: str, region: str | None = None) -> str:
    """The number in E.164. Without a country code it is read as one of `region` (ISO 3166), if that is given.

    Refused is what cannot be a number: of a length that its country does not have, or without its area code. Whether the number is assigned
    is not asked: numbering plans change sooner than the library that knows them, and those kept for tests and fiction are used in tests.
    Raises ValueError: the text says why, without the number.
    """
    number = text.strip()
    if _is_settled(number):
        return number
    if not _PHONE_NOTATION.fullmatch(number):
        raise ValueError("must be a phone number with its country code, such as +12025550100")
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            raise ValueError("must begin with a country code, such as +1") from None
        raise ValueError("must be a phone number with its country code, such as +12025550100") from None
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


def normalise_address(channel: str, address: str) -> str:
    """The form that two spellings of one address share: of mail addresses in lower case (ASCII only, as the databases fold it) with the
    domain as it is kept of people, of phone numbers E.164. What cannot be read as such is only stripped of surrounding white space; nothing
    is refused here."""
    stripped = address.strip()
    match channel:
        case Channel.EMAIL:
            return stripped.lower() if stripped.isascii() else _email_key(stripped)
        case Channel.SMS:
            return _e164(stripped)
        case _:
            return stripped


@lru_cache(_DOMAINS_REMEMBERED)
def _ascii_domain(domain: str) -> str | None:
    """None if it cannot have mail. Remembered, because most people share a few domains and the answer takes 70 µs."""
    try:
        return validate_email(f"a@{domain}", check_deliverability=False, test_environment=True).ascii_domain
    except EmailNotValidError:
        return None


def _unusual_local_part(local: str) -> str:
    try:
        return validate_email(f"{local}@example.com", check_deliverability=False, strict=True).local_part
    except EmailNotValidError:
        raise ValueError("must have before the @ only what a mailbox can be called") from None


def _email_key(address: str) -> str:
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{_ascii_domain(domain) or domain}".translate(_ASCII_LOWER)


def _is_settled(number: str) -> bool:
    """Whether the library would read this as a possible number and write it as it is. It takes 50 µs to say so, this takes two."""
    if not _E164.fullmatch(number):
        return False
    for digits in (1, 2, 3):
        if (plan := _plan(number[1 : 1 + digits])) is not None:
            lengths, national_prefix = plan
            national = number[1 + digits :]
            return len(national) in lengths and (national_prefix is None or not national_prefix.match(national))
    return False


@lru_cache(1024)
def _plan(country_code: str) -> tuple[frozenset[int], re.Pattern[str] | None] | None:
    """The lengths of a country's numbers, and what stands before them inside the country; None if there is no such country code."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(country_code))
    if regions is None:
        return None
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(country_code), regions[0])
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    return frozenset(metadata.general_desc.possible_length), re.compile(prefix) if prefix else None


def _e164(number: str) -> str:
    if _is_settled(number):
        return number
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return e164 if e164 == number else _e164(e164)
