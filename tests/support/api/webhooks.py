"""Webhooks as providers send them, with a signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import uuid4

RECEIVE = "comms.WebhookService/ReceiveEmailEvent"
SECRET = hashlib.sha256(b"a secret of tests").digest()
"""That of every brand of a test."""


def signature(event_id: str, timestamp: int, body: bytes, secret: bytes = SECRET) -> str:
    """A signature, by the words of Standard Webhooks."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def raw(body: bytes, **headers: str) -> dict[str, Any]:
    """A request with a body as it is, and what says who sent it."""
    return {
        "content_type": "application/json",
        "data": base64.b64encode(body).decode(),
        "headers": {name.replace("_", "-"): text for name, text in headers.items()},
    }


def webhook(
    payload: object,
    *,
    event_id: str | None = None,
    late: int = 0,
    secrets: tuple[bytes, ...] = (SECRET,),
    family: str = "webhook",
) -> dict[str, Any]:
    """A request that is signed, so many seconds ago; the payload as it is, if it is bytes."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    event_id, timestamp = event_id or f"msg_{uuid4().hex}", int(time.time()) - late
    signatures = " ".join(signature(event_id, timestamp, body, secret) for secret in secrets)
    headers = {"id": event_id, "timestamp": str(timestamp), "signature": signatures}
    return raw(body, **{f"{family}_{name}": text for name, text in headers.items()})


def bounce(brand: str, recipient: str = "ana@example.com", **more: Any) -> dict[str, Any]:
    """The payload of a hard bounce."""
    return {
        "brand_id": brand,
        "recipient_email": recipient,
        "type": "email.bounced",
        "data": {"email_id": "theirs", "bounce": {"type": "Permanent"}},
        **more,
    }
