"""Decides what a delivery means for its message: the settlement to write. Storage sees to it that
what is in doubt does not end as failed."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from server.channels.provider import Delivery, Envelope, Outcome, Provider
from server.dispatch.delivery.in_flight import InFlight
from server.domain.delivery.misfire import is_too_late
from server.domain.delivery.retry import ErrorClass, delay_before_next, may_try_again
from server.domain.delivery.timing import LEASE
from storage.model.audiences import SkipReason
from storage.model.brands import BrandPolicy, MisfirePolicy, UnknownPolicy
from storage.model.deliveries import Settlement
from storage.model.ids import new_id
from storage.model.inbox import InboxItem
from storage.model.messages import Attempt, Message, MessageStatus

IN_APP = "in_app"
EXPIRED = "expired"
IN_DOUBT = "in_doubt"
MISFIRED = "misfired"
_ACCEPTED = Delivery(Outcome.ACCEPTED)


def after_call(
    each: InFlight, provider: Provider, delivery: Delivery, finished_at: datetime, random: Random
) -> Settlement:
    """Accepted is sent. Anything else is tried again if that makes sense; else what may have been
    sent is unknown, what provably was not has failed, or has expired if only its time ran out."""
    message = each.message
    attempt = _attempt(message, provider.name, delivery, each.started_at, finished_at)
    again = _next_try(each, attempt, delivery, provider.key_window, random)
    due_at = None
    if delivery.outcome is Outcome.ACCEPTED:
        status = MessageStatus.SENT
    elif again is not None and (message.expire_at is None or again < message.expire_at):
        status, due_at = MessageStatus.PENDING, again
    elif delivery.outcome is Outcome.AMBIGUOUS:
        status = MessageStatus.UNKNOWN
    else:
        status = MessageStatus.FAILED if again is None else MessageStatus.EXPIRED
    return Settlement(
        message_id=message.id,
        lease=message.lease,
        enrollment_id=message.enrollment_id,
        expected=MessageStatus.SENDING,
        status=status,
        reason=delivery.reason,
        due_at=due_at,
        attempt=attempt,
        resent_by_policy=due_at is not None
        and delivery.outcome is Outcome.AMBIGUOUS
        and not _knows_key(each, provider.key_window, due_at),
    )


def in_app_delivery(message: Message, envelope: Envelope, now: datetime) -> Settlement:
    """The inbox item and the result in one: in_app needs no provider, so nothing is ever in
    doubt."""
    return Settlement(
        message_id=message.id,
        lease=message.lease,
        enrollment_id=message.enrollment_id,
        expected=MessageStatus.LEASED,
        status=MessageStatus.SENT,
        attempt=_attempt(message, IN_APP, _ACCEPTED, now, now),
        inbox_item=InboxItem(
            id=new_id(),
            brand_id=message.brand_id,
            person_id=message.person_id,
            message_id=message.id,
            category=envelope.category,
            title=envelope.subject or "",
            body=envelope.body,
            action_url=envelope.action_url,
            metadata=envelope.metadata,
            created_at=now,
        ),
    )


def withheld(
    message: Message, policy: BrandPolicy, key_window: timedelta, now: datetime
) -> Settlement | None:
    """How a claimed message ends that must not go out any more: it is in doubt and the provider may
    have forgotten its key meanwhile, it is stale, or one that was never tried was due so long ago
    that its brand does not want it now. None: it may go out."""
    # Claimed now, it is with the provider before its lease ends.
    if _forgotten_key(message, policy, key_window, now + LEASE):
        return _without_call(message, MessageStatus.UNKNOWN, IN_DOUBT)
    if message.expire_at is not None and message.expire_at <= now:
        return _without_call(message, MessageStatus.EXPIRED, EXPIRED)
    is_first_try_of_one_off = message.send_id is None and not message.attempts
    # A slow clock may have scheduled it for a time before it came.
    due_at = max(message.scheduled_at, message.created_at)
    if is_first_try_of_one_off and is_too_late(
        policy.misfire_policy, policy.misfire_seconds, due_at, now
    ):
        status = (
            MessageStatus.SKIPPED
            if policy.misfire_policy is MisfirePolicy.SKIP
            else MessageStatus.EXPIRED
        )
        return _without_call(message, status, MISFIRED)
    return None


def unrenderable(message: Message, reason: str) -> Settlement:
    """It fails for good, and no provider was called."""
    return _without_call(message, MessageStatus.FAILED, reason)


def held_back(message: Message, reason: SkipReason) -> Settlement:
    """Its person must not be contacted, and no provider was called."""
    return _without_call(message, MessageStatus.SKIPPED, reason)


def without_address(message: Message) -> Settlement:
    """The person has no address on its channel, and no provider was called."""
    return _without_call(message, MessageStatus.SKIPPED, SkipReason.NO_ADDRESS)


def release(message: Message, expected: MessageStatus = MessageStatus.LEASED) -> Settlement:
    """Back to pending: it was claimed, or even marked, but no provider was called."""
    return Settlement(
        message_id=message.id,
        lease=message.lease,
        enrollment_id=message.enrollment_id,
        expected=expected,
        status=MessageStatus.PENDING,
    )


def _without_call(message: Message, status: MessageStatus, reason: str) -> Settlement:
    return Settlement(
        message_id=message.id,
        lease=message.lease,
        enrollment_id=message.enrollment_id,
        expected=MessageStatus.LEASED,
        status=status,
        reason=reason,
    )


def _next_try(
    each: InFlight, attempt: Attempt, delivery: Delivery, key_window: timedelta, random: Random
) -> datetime | None:
    """When to try again; None if never."""
    error = delivery.error_class
    if error is None or not may_try_again(error, attempt.number):
        return None
    delay = delay_before_next(error, attempt.number, random, delivery.retry_after)
    again = attempt.finished_at + delay
    if each.policy.unknown_policy is UnknownPolicy.RESEND:
        return again
    if error is ErrorClass.AMBIGUOUS:
        return again if _knows_key(each, key_window, again) else None
    return None if _forgotten_key(each.message, each.policy, key_window, again) else again


def _knows_key(each: InFlight, key_window: timedelta, at: datetime) -> bool:
    """Whether the provider, asked again at that time, knows that it was asked before."""
    return at < (each.message.first_sending_at or each.started_at) + key_window


def _forgotten_key(
    message: Message, policy: BrandPolicy, key_window: timedelta, at: datetime
) -> bool:
    """Whether an earlier call is in doubt, and at that time a repeat under the same key might go
    out twice, which nobody chose.

    A provider without keys has a message in doubt again only because somebody chose to resend it;
    after an operator's decision the window starts anew.
    """
    if not message.in_doubt or not key_window or policy.unknown_policy is UnknownPolicy.RESEND:
        return False
    return message.first_sending_at is not None and message.first_sending_at + key_window <= at


def _attempt(
    message: Message, provider: str, delivery: Delivery, started_at: datetime, finished_at: datetime
) -> Attempt:
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
