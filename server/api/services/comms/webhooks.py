"""carillon.comms.v1.WebhookService: what providers call."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from google.api import httpbody_pb2

from carillon.comms.v1 import webhook_service_pb2 as pb
from carillon.comms.v1 import webhook_service_pb2_grpc
from server.api.command_runner import REQUEST_ID
from server.api.interceptors.call import Context, current_metadata
from server.commands.webhooks.receive_email_event import ReceivedReport, receive_email_event
from server.domain.clock import Clock
from server.domain.email_reports import brand_named_in, read_email_report, read_payload
from server.domain.errors import WebhookUnverified
from server.domain.webhook_signatures import WebhookSignature
from storage.contract.storage import Storage
from storage.model.email_events import EmailEvent

_FAMILIES = ("webhook", "svix")
"""Names that the headers begin with: those of Standard Webhooks, and the older ones."""
_NOBODYS = (secrets.token_bytes(32),)
"""Secrets of a brand that has none, so that it takes as long to say so."""


class WebhookService(webhook_service_pb2_grpc.WebhookServiceServicer):
    """Nobody has a token here: the signature is the right."""

    def __init__(
        self, storage: Storage, clock: Clock, email_secrets: Mapping[str, Sequence[bytes]]
    ) -> None:
        """`email_secrets` are those of mail providers, by brand."""
        self._storage = storage
        self._clock = clock
        self._email_secrets = email_secrets

    async def ReceiveEmailEvent(
        self, request: httpbody_pb2.HttpBody, context: Context
    ) -> pb.ReceiveEmailEventResponse:
        now = self._clock.now()
        signature = _signature()
        signature.require_fresh(now)
        # No more is read of it than the brand, before its signature is known to be good.
        payload = read_payload(request.data)
        brand_id = brand_named_in(payload)
        signature.require_signed(request.data, self._email_secrets.get(brand_id, _NOBODYS))
        received = ReceivedReport(
            event_id=signature.id,
            brand_id=brand_id,
            report=read_email_report(payload),
            now=now,
            request_id=current_metadata(REQUEST_ID),
        )
        return _answer(await self._storage.write(lambda tx: receive_email_event(tx, received)))


def _signature() -> WebhookSignature:
    """That of the call that is running. Raises WebhookUnverified without one."""
    for family in _FAMILIES:
        event_id = current_metadata(f"{family}-id")
        timestamp = current_metadata(f"{family}-timestamp")
        signatures = current_metadata(f"{family}-signature")
        if event_id is not None and timestamp is not None and signatures is not None:
            return WebhookSignature(event_id, timestamp, signatures)
    raise WebhookUnverified("webhook-id, webhook-timestamp and webhook-signature are required")


def _answer(event: EmailEvent) -> pb.ReceiveEmailEventResponse:
    action = "ignored" if event.reason is None else "suppressed"
    return pb.ReceiveEmailEventResponse(
        action=pb.ReceiveEmailEventResponse.Action.Value(action),
        type=event.type,
        vendor_message_id=event.vendor_message_id,
    )
