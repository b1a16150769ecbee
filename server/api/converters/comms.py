"""Converts the messages of carillon.comms.v1."""

from __future__ import annotations

from carillon.comms.v1 import campaign_pb2, message_pb2, send_pb2
from server.api.converters.values import channel, struct, timestamp, write_timestamp
from server.domain.lifecycle import documented_counts, public_status
from storage.model.campaigns import Campaign
from storage.model.messages import Attempt, Message
from storage.model.sends import Send

_MESSAGE_STATUSES = dict(message_pb2.Message.Status.items())


def campaign(record: Campaign) -> campaign_pb2.Campaign:
    """A campaign with inline criteria."""
    return campaign_pb2.Campaign(
        id=record.id,
        brand_id=record.brand_id,
        name=record.name,
        subject=record.subject or "",
        channel=channel(record.channel),
        template_key=record.template_key,
        segment_criteria=struct(record.segment_criteria),
        variables=struct(record.variables),
        status=campaign_pb2.Campaign.Status.Value(record.status),
        scheduled_at=timestamp(record.scheduled_at),
        sent_at=timestamp(record.sent_at),
        cancelled_at=timestamp(record.cancelled_at),
        created_by=record.created_by,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
    )


def send(record: Send) -> send_pb2.Send:
    """A send with two of the documented counts."""
    counts = documented_counts(record)
    return send_pb2.Send(
        id=record.id,
        campaign_id=record.campaign_id,
        brand_id=record.brand_id,
        status=send_pb2.Send.Status.Value(record.status),
        total_recipients=counts.total,
        sent=counts.sent,
        failed=counts.failed,
        started_at=timestamp(record.started_at),
        completed_at=timestamp(record.completed_at),
        created_by=record.created_by,
        created_at=timestamp(record.created_at),
    )


def message(record: Message) -> message_pb2.Message:
    """A message."""
    made = message_pb2.Message(
        id=record.id,
        brand_id=record.brand_id,
        person_id=record.person_id,
        channel=channel(record.channel),
        template_key=record.template_key,
        recipient=record.recipient,
        dedup_key=record.dedup_key or "",
        status=_MESSAGE_STATUSES[public_status(record.status)],
        sent_at=timestamp(record.sent_at),
        cancelled_at=timestamp(record.cancelled_at),
        failure_reason=record.failure_reason,
    )
    # In place: a timestamp that is given is copied.
    write_timestamp(made.scheduled_at, record.scheduled_at)
    write_timestamp(made.created_at, record.created_at)
    return made


def message_summary(record: Message, provider: str | None) -> message_pb2.MessageSummary:
    """What became of a message, in short."""
    return message_pb2.MessageSummary(
        message_id=record.id,
        dedup_key=record.dedup_key or "",
        channel=channel(record.channel),
        status=_MESSAGE_STATUSES[public_status(record.status)],
        provider=provider,
    )


def recent_message(record: Message) -> message_pb2.RecentMessage:
    """A message in the list of the newest ones."""
    return message_pb2.RecentMessage(
        message_id=record.id,
        channel=channel(record.channel),
        recipient=record.recipient,
        status=_MESSAGE_STATUSES[public_status(record.status)],
        sent_at=timestamp(record.sent_at),
    )


def attempt(record: Attempt) -> message_pb2.Attempt:
    """One provider call."""
    return message_pb2.Attempt(
        id=record.id,
        message_id=record.message_id,
        number=record.number,
        provider=record.provider,
        started_at=timestamp(record.started_at),
        finished_at=timestamp(record.finished_at),
        outcome=message_pb2.Attempt.Outcome.Value(record.outcome),
        reason=record.reason,
        provider_message_id=record.provider_message_id,
    )
