"""Converts audiences and suppressions, which both APIs share."""

from __future__ import annotations

from carillon.comms.v1 import campaign_service_pb2 as comms_campaigns
from carillon.comms.v1 import suppression_service_pb2
from carillon.messaging.v1 import campaign_service_pb2 as messaging_campaigns
from carillon.type.v1 import audience_preview_pb2
from server.api.converters.values import channel, timestamp
from server.commands.sends.preview_audience import AudiencePreview
from server.domain.contacts.addresses import Recipient
from storage.model.channels import Channel
from storage.model.suppressions import Suppression

WithRecipients = (
    comms_campaigns.SendCampaignRequest
    | comms_campaigns.PreviewCampaignRequest
    | messaging_campaigns.PublishCampaignRequest
    | messaging_campaigns.PreviewCampaignRequest
)


def read_recipients(request: WithRecipients) -> list[Recipient]:
    """The people that a send or a preview names."""
    return [(recipient.person_id, recipient.recipient) for recipient in request.recipients]


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
        rounded=found.rounded,
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
        suppressed_at=timestamp(record.created_at),
        lifted_at=timestamp(record.lifted_at),
        email=record.address if record.channel == Channel.EMAIL else "",
    )
