"""What an installation sets of its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from server.api.policies import Policy
from server.domain.budgets import Budgets


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
    """The settings of the API, as its services take them."""

    send_wait_seconds: float
    """Longest that a call waits for what becomes of a message."""
    max_request_bytes: int
    policies: Mapping[str, Policy]
    """By method, as `server.api.policies.method_policies` has them."""
    has_room: Callable[[], bool]
    """Whether the disk has room for anything new."""
    max_connections: int
    """At once, on each address."""
    reflection: bool
    watchers_per_caller: int
    """Streams that one caller may have open."""
    budgets: Budgets
    """Of brands whose policy does not say otherwise."""
    push_key: str | None
    """What browsers subscribe with; None: there is no Web Push here."""
    email_secrets: Mapping[str, Sequence[bytes]]
    """What webhooks of mail providers are signed with, by brand."""
    sms_canary_number: str
    """Where canaries go; empty: nowhere."""
    sms_canary_seconds: float
    """Longest that a call waits for what becomes of one."""
