"""Reads mail addresses into the one form in which they are kept, compared and put on the wire."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from server.domain.contacts.invisible_characters import refuse_invisible

_ATEXT = r"a-z0-9!#$%&'*+/=?^_`{|}~-"
_ATOM, _INTERNATIONAL_ATOM = rf"[{_ATEXT}]++", rf"[\x80-\U0010ffff{_ATEXT}]++"
_DOT_ATOM = re.compile(rf"{_INTERNATIONAL_ATOM}(?:\.{_INTERNATIONAL_ATOM})*+")
"""RFC 5322 section 3.2.3 and RFC 6531 section 3.3, in lower case. No quoted strings: nobody has
one, and much goes wrong with them."""
# Letters, digits and single hyphens, and not reserved (RFC 6761).
_PLAIN_DOMAIN = re.compile(
    r"(?:[a-z0-9]++(?:-[a-z0-9]++)*+\.)++(?!(?:arpa|invalid|local|localhost|onion|test)\Z)[a-z]{2,}+"
)
_PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+@{_PLAIN_DOMAIN.pattern}")
"""What nearly every address is."""
_PLAIN_LENGTH = 63
"""In so few characters no part can be too long (RFC 5321 section 4.5.3.1, RFC 1035 section
2.3.4)."""
_HOST = re.compile(r"[a-z0-9]++(?:[.-][a-z0-9]++)*+")
_LONGEST_EMAIL = 254
_LONGEST_LOCAL_PART = 64
"""Octets, RFC 5321 section 4.5.3.1."""
_DOMAINS_REMEMBERED = 16_384


def normalise_email(text: str) -> str:
    """The address in lower case, its domain in ASCII (IDNA 2008), what stands before the @ in
    Unicode's form NFC; no DNS look-up.

    In lower case, because only a mail server could tell two spellings apart, and none that people
    have does (RFC 5321 section 2.4 advises against it). The domain in ASCII, because it is the form
    that every mail server takes. Domains below `.test` are taken, other reserved ones (RFC 6761,
    e.g. `localhost`) are not. Raises ValueError: the text says why, without the address.
    """
    if len(text) <= _PLAIN_LENGTH and _PLAIN.fullmatch(text):
        return text
    refuse_invisible(text)
    local, at, domain = text.strip().rpartition("@")
    if domain.endswith(">"):
        raise ValueError("must be the address alone, without a display name")
    if not at or not local or not domain:
        raise ValueError("must be a mail address such as ann@example.com")
    ascii_domain = _ascii_domain(domain)
    if ascii_domain is None:
        raise ValueError("must have a domain that mail can be sent to after the @")
    address = f"{_local_part(local)}@{ascii_domain}"
    if len(address.encode()) > _LONGEST_EMAIL:
        raise ValueError(f"must be at most {_LONGEST_EMAIL} bytes")
    return address


def normalise_sender(text: str) -> str:
    """An address that mail can come from, in the same form and all in ASCII; its host may also be
    one without a public name, such as `localhost`. Raises ValueError."""
    local, _, host = text.strip().rpartition("@")
    address = (
        f"{_local_part(local)}@{host.lower()}"
        if _HOST.fullmatch(host.lower())
        else normalise_email(text)
    )
    if not address.isascii():
        raise ValueError("must have only ASCII characters before the @")
    return address


def _ascii_domain(domain: str) -> str | None:
    """None if it cannot have mail."""
    lower = domain.lower()
    return (
        lower
        if len(lower) <= _PLAIN_LENGTH and _PLAIN_DOMAIN.fullmatch(lower)
        else _unusual_domain(domain)
    )


@lru_cache(_DOMAINS_REMEMBERED)
def _unusual_domain(domain: str) -> str | None:
    """Remembered, because most people share a few domains and the answer takes 70 µs."""
    try:
        return validate_email(
            f"a@{domain}", check_deliverability=False, test_environment=True
        ).ascii_domain
    except EmailNotValidError:
        return None


def _local_part(local: str) -> str:
    local = unicodedata.normalize("NFC", local.lower())
    if not (
        _DOT_ATOM.fullmatch(local)
        and local.isprintable()
        and len(local.encode()) <= _LONGEST_LOCAL_PART
    ) or _begins_with_mark(local):
        raise ValueError("must have before the @ only what a mailbox can be called")
    return local


def _begins_with_mark(text: str) -> bool:
    """Such as an accent, which would be put on whatever comes before."""
    return unicodedata.category(text[0]).startswith("M")
