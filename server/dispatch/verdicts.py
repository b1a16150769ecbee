"""What a delivery means for its message: the settlement to write."""

from __future__ import annotations

from datetime import datetime
from random import Random

from server.channels.provider import Delivery, Outcome
from server.domain.audience import SkipReason
from server.domain.ids import new_id
from server.domain.lifecycle import MessageStatus
from server.domain.retry import delay_before_next, may_try_again
from storage.records import Attempt, InboxItem, Message, Settlement

IN_APP = "in_app"


def after_delivery(
    message: Message, provider: str, delivery: Delivery, started_at: datetime, finished_at: datetime, random: Random
) -> Settlement:
    """Accepted is sent, ambiguous is unknown; what was provably not sent is tried again while that makes sense, or fails."""
    attempt = _attempt(message, provider, delivery, started_at, finished_at)
    status, due_at = _verdict(attempt.number, delivery, finished_at, random)
    return Settlement(
        message_id=message.id,
        lease=message.lease,
        expected=MessageStatus.SENDING,
        status=status,
        reason=delivery.reason,
        due_at=due_at,
        attempt=attempt,
    )


def in_app_delivery(message: Message, subject: str | None, body: str, now: datetime) -> Settlement:
    """The inbox item and the result in one: in_app needs no provider, so nothing is ever in doubt."""
    return Settlement(
        message_id=message.id,
        lease=message.lease,
        expected=MessageStatus.LEASED,
        status=MessageStatus.SENT,
        attempt=_attempt(message, IN_APP, Delivery(Outcome.ACCEPTED), now, now),
        inbox_item=InboxItem(
            message_id=message.id,
            brand_id=message.brand_id,
            person_id=message.person_id,
            subject=subject,
            body=body,
            created_at=now,
        ),
    )


def unrenderable(message: Message, reason: str) -> Settlement:
    """It fails for good, and no provider was called."""
    return Settlement(message_id=message.id, lease=message.lease, expected=MessageStatus.LEASED, status=MessageStatus.FAILED, reason=reason)


def suppressed(message: Message) -> Settlement:
    """Its address must not be contacted, and no provider was called."""
    return Settlement(
        message_id=message.id,
        lease=message.lease,
        expected=MessageStatus.LEASED,
        status=MessageStatus.SKIPPED,
        reason=SkipReason.SUPPRESSED,
    )


def release(message: Message, expected: MessageStatus = MessageStatus.LEASED) -> Settlement:
    """Back to pending, as if it had not been claimed."""
    return Settlement(message_id=message.id, lease=message.lease, expected=expected, status=MessageStatus.PENDING)


def _verdict(number: int, delivery: Delivery, now: datetime, random: Random) -> tuple[MessageStatus, datetime | None]:
    if delivery.outcome is Outcome.ACCEPTED:
        return MessageStatus.SENT, None
    if delivery.outcome is Outcome.AMBIGUOUS:
        return MessageStatus.UNKNOWN, None
    error = delivery.error_class
    if error is not None and may_try_again(error, number):
        return MessageStatus.PENDING, now + delay_before_next(error, number, random, delivery.retry_after)
    return MessageStatus.FAILED, None


def _attempt(message: Message, provider: str, delivery: Delivery, started_at: datetime, finished_at: datetime) -> Attempt:
    return Attempt(
        id=new_id(),
        message_id=message.id,
        number=message.attempts + 1,
        lease=message.lease,
        provider=provider,
        started_at=started_at,
        finished_at=finished_at,
        outcome=delivery.outcome,
        reason=delivery.reason,
        provider_message_id=delivery.provider_message_id,
    )
