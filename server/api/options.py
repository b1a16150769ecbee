"""What an installation sets of its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
    """The settings of the API, as its services take them."""

    send_wait_seconds: float
    """Longest that a call waits for what becomes of a message."""
    max_request_bytes: int
    max_connections: int
    """At once, on each address."""
    reflection: bool
    push_key: str | None
    """What browsers subscribe with; None: there is no Web Push here."""
    email_secrets: Mapping[str, Sequence[bytes]]
    """What webhooks of mail providers are signed with, by brand."""
    sms_canary_number: str
    """Where canaries go; empty: nowhere."""
    sms_canary_seconds: float
    """Longest that a call waits for what becomes of one."""
