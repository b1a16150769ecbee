"""Converts the messages of carillon.messaging.v1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from carillon.messaging.v1 import (
    campaign_pb2,
    campaign_service_pb2,
    person_service_pb2,
    send_pb2,
    send_service_pb2,
)
from server.api.converters import ops
from server.api.converters.values import (
    read_channel,
    read_optional,
    read_struct,
    struct,
    timestamp,
)
from server.commands.campaigns.cancel import CancelledCampaign
from server.commands.sends.cancel import CancelledSend
from server.domain.contacts.person import NewPerson, SaidConsent
from server.domain.lifecycle import documented_counts, public_status
from storage.model.campaigns import Campaign
from storage.model.messages import Message
from storage.model.people import Person
from storage.model.programs import Step
from storage.model.sends import ReasonCount, Send
from storage.model.templates import TemplateVersion


def campaign_test(
    record: Message, provider: str | None
) -> campaign_service_pb2.TestCampaignResponse:
    """What became of the message that tries out a campaign."""
    return campaign_service_pb2.TestCampaignResponse(
        message_id=record.id,
        status=public_status(record.status),
        provider=provider,
        failure_reason=record.failure_reason,
    )


def campaign(record: Campaign) -> campaign_pb2.Campaign:
    """A campaign to a segment."""
    return campaign_pb2.Campaign(
        id=record.id,
        brand_id=record.brand_id,
        name=record.name,
        description=record.description,
        segment_id=record.segment_id or "",
        status=campaign_pb2.Campaign.Status.Value(record.status),
        scheduled_at=timestamp(record.scheduled_at),
        published_at=timestamp(record.published_at),
        sent_at=timestamp(record.sent_at),
        cancelled_at=timestamp(record.cancelled_at),
        created_by=record.created_by,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
    )


def campaign_step(campaign_id: str, record: Step) -> campaign_pb2.CampaignStep:
    """A step of a campaign."""
    return campaign_pb2.CampaignStep(
        id=record.id,
        campaign_id=campaign_id,
        position=record.position,
        template_id=record.template_id or "",
        template_version_id=record.template_version_id or "",
        delay_minutes=record.delay_minutes,
        variables=struct(record.variables),
    )


def cancelled_campaign(
    cancelled: CancelledCampaign,
) -> campaign_service_pb2.CancelCampaignResponse:
    """A campaign that was cancelled, with its receipt."""
    return campaign_service_pb2.CancelCampaignResponse(
        campaign=campaign(cancelled.campaign), receipt=ops.cancel_receipt(cancelled.receipt)
    )


def send(record: Send) -> send_pb2.Send:
    """A send with the three documented counts."""
    counts = documented_counts(record)
    return send_pb2.Send(
        id=record.id,
        campaign_id=record.campaign_id,
        brand_id=record.brand_id,
        status=send_pb2.Send.Status.Value(record.status),
        total_recipients=counts.total,
        sent_count=counts.sent,
        failed_count=counts.failed,
        skipped_count=counts.skipped,
        started_at=timestamp(record.started_at),
        completed_at=timestamp(record.completed_at),
        created_by=record.created_by,
        created_at=timestamp(record.created_at),
    )


def paused_send(record: Send) -> send_service_pb2.PauseSendResponse:
    """A send that was paused, and since when."""
    return send_service_pb2.PauseSendResponse(
        send=send(record), paused_at=timestamp(record.paused_at)
    )


def changed_send(
    changed: tuple[Send, TemplateVersion],
) -> send_service_pb2.ChangeSendVersionResponse:
    """A send whose messages have another version from now on."""
    record, version = changed
    return send_service_pb2.ChangeSendVersionResponse(
        send=send(record), template_version=version.revision
    )


def cancelled_send(cancelled: CancelledSend) -> send_service_pb2.CancelSendResponse:
    """A send that was cancelled, with its receipt."""
    return send_service_pb2.CancelSendResponse(
        send=send(cancelled.send), receipt=ops.cancel_receipt(cancelled.receipt)
    )


def report(record: Send, counts: Sequence[ReasonCount]) -> send_pb2.SendReport:
    """The full breakdown of a send."""
    counters = record.counters
    return send_pb2.SendReport(
        send_id=record.id,
        status=send_pb2.Send.Status.Value(record.status),
        total=counters.total,
        pending=counters.pending,
        in_flight=counters.in_flight,
        sent=counters.sent,
        failed=counters.failed,
        skipped=counters.skipped,
        cancelled=counters.cancelled,
        expired=counters.expired,
        unknown=counters.unknown,
        rows=[
            send_pb2.SendReport.Row(
                step=row.step,
                status=row.status,
                reason=row.reason,
                count=row.count,
                template_version=row.template_revision,
            )
            for row in counts
        ],
        paused_at=timestamp(record.paused_at),
        expire_at=timestamp(record.expire_at),
        parent_send_id=record.parent_send_id,
    )


def person(record: Person) -> person_service_pb2.Person:
    """Somebody who can be reached."""
    return person_service_pb2.Person(
        brand_id=record.brand_id,
        person_id=record.person_id,
        attributes=struct(record.attributes),
        email=record.email,
        phone=record.phone,
        push_tokens=record.push_tokens,
        locale=record.locale,
        time_zone=record.time_zone,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
    )


def read_person(
    request: person_service_pb2.PutPersonRequest | person_service_pb2.PersonToPut,
) -> NewPerson:
    """A person to put."""
    return NewPerson(
        person_id=request.person_id,
        attributes=read_struct(request.attributes),
        email=read_optional(request, "email"),
        phone=read_optional(request, "phone"),
        push_tokens=tuple(request.push_tokens),
        locale=read_optional(request, "locale"),
        time_zone=read_optional(request, "time_zone"),
    )


def read_person_of_batch(request: person_service_pb2.PersonToPut) -> NewPerson:
    """A person to put, with what they said."""
    return replace(
        read_person(request),
        consents=tuple(
            SaidConsent(
                read_channel(each.channel), each.category, each.source, opted_in=each.opted_in
            )
            for each in request.consents
        ),
    )
