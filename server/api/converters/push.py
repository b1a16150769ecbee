"""Converts push subscriptions."""

from __future__ import annotations

from carillon.comms.v1 import push_service_pb2
from server.api.converters.values import timestamp
from server.commands.push.subscriptions import NewPushSubscription
from storage.model.push_subscriptions import PushSubscription


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
