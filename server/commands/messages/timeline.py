"""Tells all that is known of the way of one message, and what it said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server.commands.messages.facts import Fact, facts_of
from server.commands.messages.queries import get_message
from server.domain.access import Caller
from server.domain.contacts.category import category_of
from server.domain.contacts.unsubscribe import LinkedContact
from server.domain.templates.message_content import MessageContent
from server.domain.templates.rendering import Rendered, RenderError, compile_template
from storage.contract.storage import Transaction
from storage.model.channels import Channel
from storage.model.email_events import EmailEvent
from storage.model.literal_contents import LiteralContent
from storage.model.messages import Attempt, Handling, Message, MessageStatus, Purpose
from storage.model.people import Person

_MOST = 200
"""Attempts, decisions and events that are told. Ten attempts are the most made by itself."""


class Doubt(StrEnum):
    """Why a message may have said something else than what is rendered now."""

    PERSON_CHANGED = "person_changed"
    PERSON_UNKNOWN = "person_unknown"


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
    literal: LiteralContent | None
    """What it says without being rendered."""
    rendered_for: datetime | None
    """When its last call began; None before one did."""
    contact: LinkedContact
    """What its link to unsubscribe is of."""

    def said(self, unsubscribe_link: Callable[[LinkedContact], str]) -> Said | None:
        """What it said; None if nothing went out, or it cannot be rendered any more. May take a
        second."""
        if self.literal is not None and self.rendered_for is not None:
            rendered = Rendered(self.literal.title, self.literal.body, html=None)
            return Said(rendered, self.rendered_for, None)
        if self.content is None or self.rendered_for is None:
            return None
        try:
            compiled = compile_template(self.content.source)
            context = self.content.context(unsubscribe_link(self.contact))
            rendered = compiled.render(context, self.rendered_for)
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
    steps = await tx.steps.list_of(send.campaign_id) if send else ()
    revision = send.revision_of(message, steps) if send else message.template_revision
    template = await tx.templates.find_version(
        message.brand_id, message.channel, message.template_key, revision
    )
    person = await tx.people.find(message.brand_id, message.person_id)
    tests = await tx.campaigns.find_tests([message.id]) if message.may_be_test else {}
    test = tests.get(message.id)
    literals = await tx.literal_contents.find_many([message.id]) if message.is_literal else {}
    of_campaign = send or test
    enrollment = await tx.enrollments.find(message.enrollment_id) if message.enrollment_id else None
    return Timeline(
        message=message,
        template_revision=revision,
        campaign_id=of_campaign.campaign_id if of_campaign else None,
        sequence_id=enrollment.program_id if enrollment and enrollment.send_id is None else None,
        facts=facts_of(message, handling, attempts, decisions, events),
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
        literal=literals.get(message.id),
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
