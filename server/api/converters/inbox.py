"""Converts items of inboxes, as services and as people see them."""

from __future__ import annotations

from carillon.comms.v1 import inbox_service_pb2, notification_service_pb2
from carillon.type.v1 import channel_pb2
from server.api.converters.values import struct, timestamp
from storage.model.inbox import InboxItem


def item(record: InboxItem) -> inbox_service_pb2.InboxItem:
    """An item as a service sees it."""
    return inbox_service_pb2.InboxItem(
        id=record.id,
        brand_id=record.brand_id,
        person_id=record.person_id,
        channel=channel_pb2.in_app,
        category=record.category,
        title=record.title,
        body=record.body,
        action_url=record.action_url,
        read_at=timestamp(record.read_at),
        created_at=timestamp(record.created_at),
        message_id=record.message_id,
    )


def notification(record: InboxItem) -> notification_service_pb2.Notification:
    """An item as its person sees it."""
    return notification_service_pb2.Notification(
        id=record.id,
        kind=record.category,
        title=record.title,
        body=record.body,
        link=record.action_url,
        read_at=timestamp(record.read_at),
        created_at=timestamp(record.created_at),
        metadata=struct(record.metadata),
    )


def created_notification(
    record: InboxItem, patient_id: str
) -> notification_service_pb2.CreateNotificationResponse:
    """A notification as the service that put it there gets it back, for the person as that named
    them."""
    return notification_service_pb2.CreateNotificationResponse(
        id=record.id,
        brand_id=record.brand_id,
        patient_id=patient_id,
        kind=record.category,
        title=record.title,
        body=record.body,
        link=record.action_url,
        created_at=timestamp(record.created_at),
        metadata=struct(record.metadata),
    )
