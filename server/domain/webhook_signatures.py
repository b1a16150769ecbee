"""Judges the signature of a webhook (Standard Webhooks): who sent it, and that it is not an old
one."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.domain.errors import WebhookUnverified

CLOCK_SKEW = timedelta(minutes=5)
"""How far a sender's clock may be from ours, either way."""
# Not the dot, which stands between the parts of what is signed.
_ID = re.compile(r"[!-\-/-~]{1,256}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_VERSION = "v1,"


@dataclass(frozen=True, slots=True)
class WebhookSignature:
    """The headers of a webhook that is signed."""

    id: str
    """Names the event: of a repeat it is the same."""
    timestamp: str
    """When it was sent, in seconds since 1970."""
    signatures: str
    """`v1,` and base64 each, blanks between; of other versions, which are no matter."""

    def require_fresh(self, now: datetime) -> None:
        """Raises WebhookUnverified unless it was sent a moment ago, by what it says."""
        if not _ID.fullmatch(self.id) or not _TIMESTAMP.fullmatch(self.timestamp):
            raise WebhookUnverified("the id or the timestamp of the webhook is malformed")
        if abs(int(self.timestamp) - now.timestamp()) > CLOCK_SKEW.total_seconds():
            raise WebhookUnverified("the webhook was not sent within five minutes of now")

    def require_signed(self, body: bytes, secrets: Sequence[bytes]) -> None:
        """Raises WebhookUnverified unless one of the signatures is of the body as it came, by one
        of the secrets."""
        content = f"{self.id}.{self.timestamp}.".encode() + body
        expected = [base64.b64encode(hmac.digest(secret, content, "sha256")) for secret in secrets]
        given = [
            each.removeprefix(_VERSION).encode()
            for each in self.signatures.split(" ")
            if each.startswith(_VERSION)
        ]
        # Each is compared with each, in constant time: how long it takes says nothing of a secret.
        matches = [hmac.compare_digest(one, other) for one in expected for other in given]
        if not any(matches):
            raise WebhookUnverified(
                "no signature of the webhook is by a secret of the brand that its body names"
            )
