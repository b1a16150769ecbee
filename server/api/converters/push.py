"""Converts push subscriptions, and what is sent to them."""

from __future__ import annotations

from collections.abc import Iterable

from carillon.comms.v1 import message_pb2, push_service_pb2
from server.api.converters.values import timestamp
from server.commands.messages.send import Seen
from server.commands.push.send import NewPush
from server.commands.push.subscriptions import NewPushSubscription
from server.domain.lifecycle import public_status
from storage.model.messages import UNSTARTED, Message, MessageStatus
from storage.model.push_subscriptions import PushSubscription

_MAY_BE_SENT = UNSTARTED | {MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.UNKNOWN}
"""Sending it again might show it twice."""


def read_subscription(
    request: push_service_pb2.CreatePushSubscriptionRequest,
) -> NewPushSubscription:
    """A browser to register."""
    return NewPushSubscription(
        person_id=request.person_id,
        endpoint=request.endpoint,
        p256dh=request.p256dh,
        auth=request.auth,
        user_agent=request.user_agent,
    )


def subscription(record: PushSubscription) -> push_service_pb2.PushSubscription:
    """A browser, without its keys."""
    return push_service_pb2.PushSubscription(
        id=record.id,
        brand_id=record.brand_id,
        person_id=record.person_id,
        endpoint=record.endpoint,
        created_at=timestamp(record.created_at),
        expires_at=timestamp(record.expires_at),
    )


def read_push(request: push_service_pb2.SendPushRequest) -> NewPush:
    """What to show to a person."""
    return NewPush(
        brand_id=request.brand_id,
        patient_id=request.patient_id,
        title=request.title,
        body=request.body,
        url=request.url or None,
    )


def push_outcomes(
    patient_id: str, person_id: str, seen: Iterable[Seen]
) -> push_service_pb2.SendPushResponse:
    """What became of the messages to a person's browsers, each with its push service's own id."""
    results = [_result(*each) for each in seen]
    sent = sum(result.status == push_service_pb2.PushResult.sent for result in results)
    return push_service_pb2.SendPushResponse(
        patient_id=patient_id,
        person_id=person_id,
        sent=sent,
        rejected=len(results) - sent,
        results=results,
    )


def _result(message: Message, vendor_id: str | None) -> push_service_pb2.PushResult:
    status = "sent" if message.status in _MAY_BE_SENT else "rejected"
    return push_service_pb2.PushResult(
        subscription_id=message.recipient,
        status=push_service_pb2.PushResult.Status.Value(status),
        vendor_message_id=vendor_id or "",
        message_id=message.id,
        message_status=message_pb2.Message.Status.Value(public_status(message.status)),
    )
