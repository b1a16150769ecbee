"""Reads what a browser says of its push subscription: where messages to it are taken (RFC 8030) and
what they are encrypted for (RFC 8291)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from server.domain.validation import Checks

POINT_BYTES = 65
"""Of an uncompressed point of P-256 (SEC 1, section 2.3.3)."""
AUTH_BYTES = 16
"""RFC 8291 section 3.2."""
_URL = re.compile(r"[!-~]+")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", re.IGNORECASE)
_EMBEDDING = tuple(
    map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
)
"""IPv6 addresses that stand for an IPv4 address, which may be a private one: NAT64 (RFC 6052, RFC
8215), 6to4 (RFC 3056), Teredo (RFC 4380)."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet. A subscription names any host it likes,
    so nothing is sent to others: that would let it knock at doors inside our network."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if any(found in network for network in _EMBEDDING):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def check_endpoint(checks: Checks, field: str, text: str) -> str:
    """The endpoint; what is wrong with it goes to `checks`. A name is looked up only when a message
    leaves, since what it stands for may change."""
    try:
        _refuse_endpoint(text)
    except ValueError as error:
        checks.add(field, str(error))
    return text


def check_p256dh(checks: Checks, field: str, text: str) -> str:
    """The browser's public key in normal form; what is wrong with it goes to `checks`."""
    return _checked(checks, field, text, _refuse_point)


def check_auth(checks: Checks, field: str, text: str) -> str:
    """The shared secret in normal form; what is wrong with it goes to `checks`."""
    return _checked(checks, field, text, _refuse_secret)


def encode(octets: bytes) -> str:
    """base64url without padding (RFC 7515 section 2), as Web Push writes it everywhere."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Reads base64url or base64, with padding or without: browsers' pages write either. Raises
    ValueError."""
    try:
        bare = text.rstrip("=").replace("+", "-").replace("/", "_")
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("is not base64url") from None


def _checked(checks: Checks, field: str, text: str, refuse: Callable[[bytes], None]) -> str:
    try:
        octets = decode(text)
        refuse(octets)
    except ValueError as error:
        checks.add(field, str(error))
        return text
    return encode(octets)


def _refuse_point(octets: bytes) -> None:
    """Raises ValueError unless the octets are a point of the curve."""
    try:
        if len(octets) != POINT_BYTES:
            raise ValueError
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), octets)
    except ValueError:
        raise ValueError("is not an uncompressed point of P-256 in base64url") from None


def _refuse_secret(octets: bytes) -> None:
    if len(octets) != AUTH_BYTES:
        raise ValueError(f"must be {AUTH_BYTES} bytes in base64url")


def _refuse_endpoint(text: str) -> None:
    """Raises ValueError unless the text is an `https` URL that could be of a push service."""
    parts = _split(text)
    if parts.scheme != "https":
        raise ValueError("must be an https URL")
    if "@" in parts.netloc or "#" in text:
        raise ValueError("must have no user and no fragment")
    if not _may_be_public(parts.hostname or ""):
        raise ValueError("must be of a public host")


def _may_be_public(host: str) -> bool:
    """Whether a host is a public address, or a name that could stand for one."""
    try:
        return is_public(host)
    except ValueError:
        name = host.rstrip(".")
        return bool(_HOST.fullmatch(name)) and "." in name and not name.endswith(".localhost")


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text) if _URL.fullmatch(text) else None
        if parts is not None and parts.port != 0 and parts.hostname:
            return parts
    except ValueError:
        pass
    raise ValueError("is not a URL")
