"""Makes and reads the links by which people unsubscribe (RFC 8058): a token that stands for one
message and that only this installation can make."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_TAG_BYTES = 16
"""Of HMAC-SHA256, cut to 128 bits (RFC 2104, section 5): nobody can try 2**127 links."""


class UnsubscribeLinks:
    """Makes links and reads their tokens. A token holds the message's id and a tag over it: no
    address, no brand."""

    def __init__(self, key: bytes, public_url: str) -> None:
        """`key` is for these tokens alone; `public_url` is where people reach the REST API, without
        a slash at its end."""
        self._key = key
        self._public_url = public_url

    def link(self, message_id: str) -> str:
        """The link of a message; always the same."""
        return f"{self._public_url}/v1/unsubscribe/{self.token(message_id)}"

    def token(self, message_id: str) -> str:
        """The token of a message: base64url of tag and id."""
        named = message_id.encode()
        return base64.urlsafe_b64encode(self._tag(named) + named).decode().rstrip("=")

    def message_id(self, token: str) -> str | None:
        """The message a token stands for; None if this installation did not make it."""
        try:
            octets = base64.b64decode(
                token + "=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
            tag, named = octets[:_TAG_BYTES], octets[_TAG_BYTES:]
            return named.decode() if hmac.compare_digest(tag, self._tag(named)) else None
        except (binascii.Error, ValueError):
            return None

    def _tag(self, named: bytes) -> bytes:
        return hmac.digest(self._key, named, hashlib.sha256)[:_TAG_BYTES]
