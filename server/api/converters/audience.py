"""Converts audiences and suppressions, which both APIs share."""

from __future__ import annotations

from carillon.comms.v1 import suppression_service_pb2
from carillon.type.v1 import audience_pb2, audience_preview_pb2
from server.api.converters.values import channel, read_enum, timestamp
from server.commands.sends.preview_audience import AudiencePreview
from storage.model.suppressions import Suppression


def read_to_segment(number: int) -> bool:
    """Whether a request asks for the campaign's own audience."""
    return read_enum(audience_pb2.Audience.DESCRIPTOR, number) is not None


def preview(found: AudiencePreview) -> audience_preview_pb2.AudiencePreview:
    """Who would get a send, and who not."""
    pb = audience_preview_pb2.AudiencePreview
    return pb(
        total=found.total,
        would_send=found.would_send,
        skips=[pb.Skip(reason=reason, count=count) for reason, count in found.skips.items()],
        sample=[
            pb.SampledPerson(person_id=person.person_id, skip_reason=person.skip_reason)
            for person in found.sample
        ],
    )


def suppression(record: Suppression) -> suppression_service_pb2.Suppression:
    """An address that must not be contacted."""
    return suppression_service_pb2.Suppression(
        id=record.id,
        brand_id=record.brand_id,
        channel=channel(record.channel),
        address=record.address,
        reason=suppression_service_pb2.Suppression.Reason.Value(record.reason),
        source=record.source,
        created_at=timestamp(record.created_at),
    )
