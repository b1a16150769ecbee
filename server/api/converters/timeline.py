"""Converts the timeline of a message."""

from __future__ import annotations

from carillon.comms.v1 import message_pb2, timeline_pb2
from server.api.converters.values import channel, timestamp
from server.commands.messages.facts import Fact
from server.commands.messages.timeline import Said, Timeline
from server.domain.lifecycle import public_status

pb = timeline_pb2


def timeline(record: Timeline, said: Said | None) -> pb.MessageTimeline:
    """What is known of a message, and what it said."""
    message = record.message
    return pb.MessageTimeline(
        message_id=message.id,
        brand_id=message.brand_id,
        person_id=message.person_id,
        channel=channel(message.channel),
        recipient=message.recipient,
        status=message_pb2.Message.Status.Value(public_status(message.status)),
        campaign_id=record.campaign_id,
        send_id=message.send_id,
        sequence_id=record.sequence_id,
        enrollment_id=message.enrollment_id,
        step=message.step,
        template_key=message.template_key,
        template_version=record.template_revision,
        facts=map(_fact, record.facts),
        content=None if said is None else _said(said),
    )


def _fact(fact: Fact) -> pb.MessageFact:
    made = pb.MessageFact(
        kind=pb.MessageFact.Kind.Value(fact.kind),
        at=timestamp(fact.at),
        until=timestamp(fact.until),
        actor=fact.actor,
        provider=fact.provider,
        attempt=fact.attempt,
        reason=fact.reason,
        provider_message_id=fact.provider_message_id,
        decision=fact.decision,
        event=fact.event,
    )
    if fact.outcome is not None:
        made.outcome = message_pb2.Attempt.Outcome.Value(fact.outcome)
    if fact.status is not None:
        made.status = message_pb2.Message.Status.Value(public_status(fact.status))
    return made


def _said(said: Said) -> pb.MessageSaid:
    made = pb.MessageSaid(
        subject=said.rendered.subject,
        body=said.rendered.body,
        html=said.rendered.html,
        rendered_for=timestamp(said.rendered_for),
    )
    if said.doubt is not None:
        made.doubt = pb.MessageSaid.Doubt.Value(said.doubt)
    return made
