"""Reads messages to accept, and converts what came of those of a batch."""

from __future__ import annotations

from datetime import datetime

from carillon.comms.v1 import message_service_pb2
from server.api.converters import comms
from server.api.converters.values import (
    read_channel,
    read_struct,
    read_timestamp,
    struct,
)
from server.api.errors import public_details
from server.commands.messages.batch import MessageOutcome
from server.commands.messages.schedule import NewMessage
from server.domain.errors import CarillonError, FieldViolation, ValidationFailed

pb = message_service_pb2

Request = pb.ScheduleMessageRequest | pb.SendMessageRequest | pb.MessageToSchedule


def read_new_message(request: Request, brand_id: str, scheduled_at: datetime) -> NewMessage:
    """A message to accept. Raises ValidationFailed for an instant that is none."""
    return NewMessage(
        brand_id=brand_id,
        person_id=request.person_id,
        channel=read_channel(request.channel),
        template_key=request.template_key,
        recipient=request.recipient,
        dedup_key=request.dedup_key,
        variables=read_struct(request.variables),
        hipaa=request.hipaa,
        scheduled_at=scheduled_at,
        expire_at=read_timestamp(request, "expire_at"),
    )


def read_new_messages(request: pb.BatchScheduleMessagesRequest, now: datetime) -> list[NewMessage]:
    """Those of a batch; without a time of their own due now. Raises ValidationFailed."""
    found: list[NewMessage] = []
    violations: list[FieldViolation] = []
    for place, item in enumerate(request.messages):
        try:
            at = read_timestamp(item, "scheduled_at") or now
            found.append(read_new_message(item, request.brand_id, at))
        except ValidationFailed as error:
            violations += (
                FieldViolation(f"messages[{place}].{each.field}", each.message)
                for each in error.violations
            )
    if violations:
        raise ValidationFailed(violations)
    return found


def message_outcome(outcome: MessageOutcome) -> pb.MessageOutcome:
    """What came of one message of a batch."""
    results = pb.MessageOutcome.Result
    if outcome.error is not None:
        return pb.MessageOutcome(
            dedup_key=outcome.dedup_key,
            result=results.Value("refused"),
            error=_refusal(outcome.error),
        )
    assert outcome.message is not None, "it was not refused"
    return pb.MessageOutcome(
        dedup_key=outcome.dedup_key,
        result=results.Value("known" if outcome.known else "accepted"),
        message=comms.message(outcome.message),
    )


def _refusal(error: CarillonError) -> pb.MessageRefusal:
    return pb.MessageRefusal(
        error=error.reason, message=error.message, details=struct(public_details(error))
    )
