"""What happened to a message, in order: told from its row, its attempts, and what was decided and
reported about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from storage.model.audit import AuditEntry
from storage.model.email_events import EmailEvent
from storage.model.messages import UNSTARTED, Attempt, Handling, Message, MessageStatus

_WENT_STALE = "expired"
_LAST = datetime.max.replace(tzinfo=UTC)


class FactKind(StrEnum):
    """The kinds of facts."""

    ACCEPTED = "accepted"
    HELD_BACK = "held_back"
    CLAIMED = "claimed"
    ATTEMPTED = "attempted"
    ANSWERED = "answered"
    DECIDED = "decided"
    RESOLVED = "resolved"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that happened to a message; the fields are those of `MessageFact` in the protos."""

    kind: FactKind
    at: datetime | None
    until: datetime | None = None
    actor: str | None = None
    provider: str | None = None
    attempt: int | None = None
    outcome: str | None = None
    reason: str | None = None
    provider_message_id: str | None = None
    decision: str | None = None
    status: MessageStatus | None = None
    event: str | None = None


def facts_of(
    message: Message,
    handling: Handling,
    attempts: Sequence[Attempt],
    decisions: Sequence[AuditEntry],
    events: Sequence[EmailEvent],
) -> list[Fact]:
    """The facts about a message, first to last; those without a time at the end."""
    facts = [
        *_accepted(message, handling),
        *_claimed(message, handling, attempts),
        *_called(message, handling),
        *(fact for attempt in attempts for fact in _of_attempt(attempt)),
        *(_decided(entry) for entry in reversed(decisions)),
    ]
    if message.status in UNSTARTED and attempts and message.due_at > attempts[-1].finished_at:
        facts.append(
            Fact(
                kind=FactKind.HELD_BACK,
                at=attempts[-1].finished_at,
                until=message.due_at,
                reason=attempts[-1].reason,
            )
        )
    if message.status not in UNSTARTED | {MessageStatus.SENDING}:
        facts.append(_resolved(message, facts))
    facts += map(_reported, events)
    # Those of one instant stay in the order in which they come about.
    return sorted(facts, key=lambda fact: fact.at or _LAST)


def _accepted(message: Message, handling: Handling) -> Iterator[Fact]:
    yield Fact(kind=FactKind.ACCEPTED, at=message.created_at, actor=handling.accepted_by)
    if message.scheduled_at > message.created_at:
        yield Fact(kind=FactKind.HELD_BACK, at=message.created_at, until=message.scheduled_at)


def _claimed(message: Message, handling: Handling, attempts: Sequence[Attempt]) -> Iterator[Fact]:
    """The last claim, whose time is kept, and those before it that led to an attempt."""
    for attempt in attempts:
        if attempt.lease != message.lease or handling.claimed_at is None:
            yield Fact(kind=FactKind.CLAIMED, at=attempt.started_at)
    if handling.claimed_at is not None:
        yield Fact(kind=FactKind.CLAIMED, at=handling.claimed_at)


def _called(message: Message, handling: Handling) -> Iterator[Fact]:
    # An attempt is written with its answer: of a call that goes on there is only the mark.
    if message.status is MessageStatus.SENDING:
        yield Fact(
            kind=FactKind.ATTEMPTED,
            at=handling.sending_at,
            provider=handling.provider,
            attempt=message.attempts,
        )


def _of_attempt(attempt: Attempt) -> Iterator[Fact]:
    yield Fact(
        kind=FactKind.ATTEMPTED,
        at=attempt.started_at,
        provider=attempt.provider,
        attempt=attempt.number,
    )
    yield Fact(
        kind=FactKind.ANSWERED,
        at=attempt.finished_at,
        provider=attempt.provider,
        attempt=attempt.number,
        outcome=attempt.outcome,
        reason=attempt.reason,
        provider_message_id=attempt.provider_message_id,
    )


def _decided(entry: AuditEntry) -> Fact:
    return Fact(
        kind=FactKind.DECIDED, at=entry.created_at, actor=entry.actor, decision=entry.action
    )


def _reported(event: EmailEvent) -> Fact:
    return Fact(
        kind=FactKind.REPORTED,
        at=event.received_at,
        reason=event.reason,
        provider_message_id=event.vendor_message_id,
        event=event.type,
    )


def _resolved(message: Message, facts: Sequence[Fact]) -> Fact:
    """How it ended. Only those that were sent or cancelled have a time of their own; what went
    stale while it waited ended then."""
    known = message.sent_at or message.cancelled_at
    if known is None:
        before = [fact.at for fact in facts if fact.at is not None]
        stale = message.expire_at if message.failure_reason == _WENT_STALE else None
        known = max([*before, stale] if stale else before)
    return Fact(
        kind=FactKind.RESOLVED,
        at=known,
        reason=message.failure_reason,
        status=message.status,
    )
