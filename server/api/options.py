"""What an installation sets of its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from server.api.policies import Policy
from server.config import Settings
from server.domain.budgets import Budgets
from server.runtime.descriptors import room_for


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


def api_options(
    settings: Settings,
    policies: Mapping[str, Policy],
    *,
    has_room: Callable[[], bool],
    push_key: str | None,
    email_secrets: Mapping[str, Sequence[bytes]],
) -> ApiOptions:
    """The options that the settings say."""
    return ApiOptions(
        send_wait_seconds=settings.send_wait_seconds,
        max_request_bytes=settings.max_request_bytes,
        policies=policies,
        has_room=has_room,
        max_connections=room_for(settings.max_connections),
        reflection=settings.grpc_reflection,
        watchers_per_caller=settings.watchers_per_caller,
        budgets=Budgets(requests=settings.brand_requests, rows=settings.brand_rows),
        push_key=push_key,
        email_secrets=email_secrets,
        sms_canary_number=settings.sms_canary_number,
        sms_canary_seconds=settings.sms_canary_seconds,
    )
