"""Makes and reads the links by which people unsubscribe (RFC 8058): a token that stands for a
person, a channel and a category, and that only this installation can make and read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_SEPARATOR = "\n"
"""In none of the parts, each of which is one line."""


@dataclass(frozen=True, slots=True)
class LinkedContact:
    """What a link is of."""

    brand_id: str
    person_id: str
    channel: str
    category: str
    """Of the message that the link is in."""
    address: str
    """The one that the message went to, in normal form."""


class UnsubscribeLinks:
    """Makes links and reads their tokens. A token is encrypted (AES-SIV, RFC 5297: the same contact
    has the same token), so nobody learns an address or a brand from a link."""

    def __init__(self, keys: Sequence[bytes], public_url: str) -> None:
        """`keys`, of 32 bytes each, are for these tokens alone: the first makes them, all read
        them. `public_url` is where people reach the REST API, without a slash at its end."""
        self._ciphers = [AESSIV(key) for key in keys]
        self._public_url = public_url

    def link(self, contact: LinkedContact) -> str:
        """The link of a contact; always the same."""
        return f"{self._public_url}/v1/unsubscribe/{self.token(contact)}"

    def token(self, contact: LinkedContact) -> str:
        """The token of a contact, in base64url."""
        parts = _SEPARATOR.join(astuple(contact)).encode()
        return base64.urlsafe_b64encode(self._ciphers[0].encrypt(parts, None)).decode().rstrip("=")

    def contact(self, token: str) -> LinkedContact | None:
        """The contact that a token stands for; None if this installation did not make it."""
        try:
            octets = base64.b64decode(
                token + "=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
            return LinkedContact(*self._decrypt(octets).decode().split(_SEPARATOR))
        except (binascii.Error, ValueError, InvalidTag, TypeError):
            return None

    def _decrypt(self, octets: bytes) -> bytes:
        for cipher in self._ciphers:
            with suppress(InvalidTag):
                return cipher.decrypt(octets, None)
        raise InvalidTag
