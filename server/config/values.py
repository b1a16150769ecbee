"""Reads single settings. Each function raises ValueError with the reason, which never quotes a
secret."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from email.utils import parseaddr
from typing import NamedTuple, TypeVar
from urllib.parse import SplitResult, urlsplit

T = TypeVar("T", int, float)
MIN_RATE = 0.001
MAX_RATE = 100_000
"""Calls per second."""
DATABASE_SCHEMES = ("sqlite", "postgresql", "postgresql+asyncpg")
SMTP_SCHEMES = ("smtp", "smtps")
# Not the ? and # of a query and a fragment: links go on where the URL ends.
_URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/@!$&'()*+,;=%\[\]-]{1,200}")
_VISIBLE = re.compile(r"[!-~]{1,4096}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_DIGITS = re.compile(r"[0-9]{1,5}")
_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
"""Addresses that stand for all of a host's, and where the host reaches itself then."""


class Address(NamedTuple):
    """A host, by IP address (no brackets) or name, and a port."""

    host: str
    port: int


def whole_number(given: object) -> int:
    """Reads a whole number: a number of the file, or its text in the environment."""
    try:
        return int(_text(given))
    except ValueError:
        raise ValueError(f"{_text(given)!r} is not a whole number") from None


def number(given: object) -> float:
    """Reads a number that may have a fraction."""
    try:
        return float(_text(given))
    except ValueError:
        raise ValueError(f"{_text(given)!r} is not a number") from None


def flag(given: object) -> bool:
    """Reads `true` or `false`, as TOML has it."""
    text = _text(given)
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


def text(given: object) -> str:
    """Reads a string; a number of the file is its digits."""
    return _text(given)


def name(value: str) -> str:
    """Checks a name that is compared as it is."""
    if not _VISIBLE.fullmatch(value):
        raise ValueError("must be visible ASCII characters without spaces, and not empty")
    return value


def claim_value(value: str) -> str:
    """Checks a claim with its value, name=value; empty is none."""
    claim, _, expected = value.partition("=")
    if value and not (claim and expected):
        raise ValueError("must be name=value")
    return value


def between(least: T, most: T, more: str = "") -> Callable[[T], T]:
    """Makes the check that a number is within bounds, both included."""

    def check(value: T) -> T:
        if not least <= value <= most:
            raise ValueError(f"must be from {least} to {most}{more}")
        return value

    return check


def port(value: int) -> int:
    """A TCP port."""
    if not 1 <= value <= 65535:
        raise ValueError(f"{value} is not a port (1 to 65535)")
    return value


def port_or_none(value: int) -> int:
    """Checks a TCP port, or 0 for none."""
    if not 0 <= value <= 65535:
        raise ValueError(f"{value} is not a port (1 to 65535), or 0 for none")
    return value


def rate(value: float) -> float:
    """Checks calls per second, or 0 for no limit."""
    if value != 0 and not MIN_RATE <= value <= MAX_RATE:
        raise ValueError(f"must be 0 or from {MIN_RATE} to {MAX_RATE}")
    return value


def request_bytes(value: int) -> int:
    """Checks a size: any request that is worth sending must fit in it."""
    if value < 1024:
        raise ValueError("must be at least 1024")
    return value


def ip_address(value: str) -> str:
    """Checks an address to listen on."""
    if not is_address(value):
        raise ValueError(f"{value!r} is not an IP address")
    return value


def log_level(value: str) -> str:
    """Checks a level of the log."""
    if value not in ("debug", "info", "warning", "error"):
        raise ValueError("must be debug, info, warning or error")
    return value


def mail_from(value: str) -> str:
    """Checks a sender of mails."""
    if "@" not in parseaddr(value)[1]:
        raise ValueError("is not a mail address")
    return value


def database_url(value: str) -> str:
    """Checks the URL of a database; empty is none."""
    if value:
        _require_scheme(_split(value), DATABASE_SCHEMES)
    return value


def smtp_url(value: str) -> str:
    """Checks the URL of a mail server; empty is none."""
    if value:
        parts = _split(value)
        _require_scheme(parts, SMTP_SCHEMES)
        if not parts.hostname:
            raise ValueError("names no host")
    return value


def public_url(value: str) -> str:
    """Checks the URL where people reach the service; empty is none."""
    if value and not _is_public_url(value):
        raise ValueError("must be http(s):// and a host, without user, query or fragment")
    return value


def gateway_url(value: str) -> str:
    """Checks the URL of an HTTP gateway, to which nobody on the way can listen; empty is none."""
    if value and not _is_gateway_url(value):
        raise ValueError(
            "must be https:// and a host (http:// only on this host), without user, query or "
            "fragment"
        )
    return value


def bearer_token(value: str) -> str:
    """Checks that a token can stand in a header; empty is none."""
    if value and not _VISIBLE.fullmatch(value):
        raise ValueError("must be visible ASCII characters without spaces")
    return value


def phone_number(value: str) -> str:
    """Checks a phone number; empty is none."""
    if value and not _E164.fullmatch(value):
        raise ValueError("must be a phone number in E.164 form, such as +12025550100")
    return value


def addresses(value: str) -> tuple[Address, ...]:
    """The addresses in a list with commas; none in an empty text. Each can be connected to, and
    none is there twice."""
    found: list[Address] = []
    for item in value.split(",") if value else ():
        address = _host_and_port(item.strip())
        if address in found:
            raise ValueError(f"{item.strip()!r} is there twice")
        found.append(address)
    return tuple(found)


def listed(read: Callable[[str], object]) -> Callable[[str], str]:
    """Makes the check that a list with commas can be read; the text stays as it was given."""

    def check(value: str) -> str:
        read(value)
        return value

    return check


def is_loopback(host: str) -> bool:
    """Whether it is this host itself, by address or by the name `localhost`."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_address(given: str) -> bool:
    """Whether it is an IP address."""
    try:
        ipaddress.ip_address(given)
    except ValueError:
        return False
    return True


def _text(given: object) -> str:
    return str(given).lower() if isinstance(given, bool) else str(given)


def _require_scheme(parts: SplitResult, schemes: tuple[str, ...]) -> None:
    if parts.scheme not in schemes:
        raise ValueError(
            f"must start with one of {', '.join(scheme + '://' for scheme in schemes)}"
        )


def _is_public_url(url: str) -> bool:
    """Whether links can be built on it that fit between < and > in a header (RFC 2369)."""
    if not _URL_CHARACTERS.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and parts.port != 0
        )
    except ValueError:
        return False


def _is_gateway_url(url: str) -> bool:
    """Whether requests can be sent to it, and nobody on the way can read them."""
    if not _is_public_url(url):
        return False
    parts = urlsplit(url)
    host = parts.hostname or ""
    return (is_address(host) or _is_name(host)) and (parts.scheme == "https" or is_loopback(host))


def _split(url: str) -> SplitResult:
    """The parts of a URL whose host and port can be read. The reason never quotes the URL, which
    may hold a password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it is read for its ValueError
    except ValueError:
        raise ValueError("is not a URL with a host and a port") from None
    return parts


def _host_and_port(given: str) -> Address:
    host, _, port_text = given.rpartition(":")
    if not host:
        raise ValueError(f"{given!r} is not host:port")
    # A number of ASCII digits only: int() would take more.
    if not _DIGITS.fullmatch(port_text) or not 1 <= int(port_text) <= 65535:
        raise ValueError(f"{given!r}: {port_text!r} is not a port (1 to 65535)")
    host = _host(given, host)
    if host in EVERY_ADDRESS:
        raise ValueError(f"{given!r}: every address is none to connect to")
    return Address(host, int(port_text))


def _host(given: str, host: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        if not is_address(host[1:-1]) or ":" not in host or "%" in host:
            raise ValueError(f"{given!r}: {host!r} is not an IPv6 address")
        return str(ipaddress.ip_address(host[1:-1]))
    if is_address(host):
        if ":" in host:
            raise ValueError(f"{given!r}: write an IPv6 address in brackets, such as [::1]:50051")
        return host
    if not _is_name(host):
        raise ValueError(f"{given!r}: {host!r} is neither a host name nor an IP address")
    return host.lower()


def _is_name(host: str) -> bool:
    """Whether it can be a host's name (RFC 1123, and underscores, which resolvers of containers
    take). Not one that ends in a number: that is an IP address with a mistake (RFC 3696)."""
    return bool(_HOST_NAME.fullmatch(host)) and not host.rpartition(".")[2].isdigit()
