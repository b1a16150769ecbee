"""Tells all that is known of the way of one message, and what it said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from server.commands.messages.queries import get_message
from server.domain.access import Caller
from server.domain.contacts.category import category_of
from server.domain.contacts.unsubscribe import LinkedContact
from server.domain.templates.message_content import MessageContent
from server.domain.templates.rendering import Rendered, RenderError, compile_template
from storage.contract.storage import Transaction
from storage.model.audit import AuditEntry
from storage.model.channels import Channel
from storage.model.email_events import EmailEvent
from storage.model.messages import (
    UNSTARTED,
    Attempt,
    Handling,
    Message,
    MessageStatus,
    Purpose,
)
from storage.model.people import Person

_MOST = 200
"""Attempts, decisions and events that are told. Ten attempts are the most made by itself."""
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


class Doubt(StrEnum):
    """Why a message may have said something else than what is rendered now."""

    PERSON_CHANGED = "person_changed"
    PERSON_UNKNOWN = "person_unknown"


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


@dataclass(frozen=True, slots=True)
class Said:
    """What a message said, rendered again, and why it may have been something else."""

    rendered: Rendered
    rendered_for: datetime
    doubt: Doubt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What is known of a message."""

    message: Message
    template_revision: int
    """What it was rendered from, or will be."""
    campaign_id: str | None
    sequence_id: str | None
    facts: Sequence[Fact]
    content: MessageContent | None
    """To render; None if there is nothing it could be rendered from."""
    rendered_for: datetime | None
    """When its last call began; None before one did."""
    contact: LinkedContact
    """What its link to unsubscribe is of."""

    def said(self, unsubscribe_link: Callable[[LinkedContact], str]) -> Said | None:
        """What it said; None if nothing went out, or it cannot be rendered any more. May take a
        second."""
        if self.content is None or self.rendered_for is None:
            return None
        try:
            compiled = compile_template(self.content.source)
            rendered = self.content.render(
                compiled,
                unsubscribe_link(self.contact),
                self.rendered_for,
            )
        except RenderError:
            return None
        is_personal = bool(self.content.template.variants) or compiled.may_show("person")
        doubt = _doubt(self.content.person, self.rendered_for) if is_personal else None
        return Said(rendered, self.rendered_for, doubt)


async def get_timeline(tx: Transaction, caller: Caller, message_id: str) -> Timeline:
    """The timeline of a message. Raises NotFound."""
    message = await get_message(tx, caller, message_id)
    handling = await tx.messages.find_handling(message.id)
    assert handling is not None, "the message is there"
    attempts = await tx.messages.list_attempts(message.id, None, _MOST)
    decisions = await tx.audit.list_page(message.brand_id, message.id, None, _MOST)
    events = await _list_events(tx, message, attempts)
    sends = await tx.sends.find_many([message.send_id]) if message.send_id else {}
    send = sends.get(message.send_id or "")
    campaign = await tx.campaigns.find(send.campaign_id) if send else None
    revision = send.revision_of(message) if send else message.template_revision
    template = await tx.templates.find_version(
        message.brand_id, message.channel, message.template_key, revision
    )
    person = await tx.people.find(message.brand_id, message.person_id)
    tests = await tx.campaigns.find_tests([message.id]) if message.is_test else {}
    test = tests.get(message.id)
    of_campaign = send or test
    enrollment = await tx.enrollments.find(message.enrollment_id) if message.enrollment_id else None
    return Timeline(
        message=message,
        template_revision=revision,
        campaign_id=of_campaign.campaign_id if of_campaign else None,
        sequence_id=enrollment.program_id if enrollment else None,
        facts=_in_order(message, handling, attempts, decisions, events),
        content=MessageContent(
            message=message,
            template=template,
            person=person,
            send=send,
            campaign=campaign,
            test=test,
        )
        if template
        else None,
        rendered_for=_last_call(message, handling, attempts),
        contact=await _linked_contact(tx, message),
    )


async def _list_events(
    tx: Transaction, message: Message, attempts: Sequence[Attempt]
) -> list[EmailEvent]:
    """What its provider reported, by the ids that it gave the message."""
    ids = [each.provider_message_id for each in attempts if each.provider_message_id]
    if message.channel != Channel.EMAIL or not ids:
        return []
    return await tx.email_events.list_of_message(message.brand_id, ids, _MOST)


async def _linked_contact(tx: Transaction, message: Message) -> LinkedContact:
    of = (message.brand_id, message.channel, message.template_key)
    template = await tx.templates.find_by_key(*of)
    category = category_of(
        Purpose.of(message.send_id, message.enrollment_id), template.category if template else None
    )
    return LinkedContact(
        message.brand_id, message.person_id, message.channel, category, message.recipient
    )


def _doubt(person: Person | None, rendered_for: datetime) -> Doubt | None:
    if person is None:
        return Doubt.PERSON_UNKNOWN
    return Doubt.PERSON_CHANGED if person.updated_at >= rendered_for else None


def _last_call(
    message: Message, handling: Handling, attempts: Sequence[Attempt]
) -> datetime | None:
    if message.status is MessageStatus.SENDING:
        return handling.sending_at
    return attempts[-1].started_at if attempts else None


def _in_order(
    message: Message,
    handling: Handling,
    attempts: Sequence[Attempt],
    decisions: Sequence[AuditEntry],
    events: Sequence[EmailEvent],
) -> list[Fact]:
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
