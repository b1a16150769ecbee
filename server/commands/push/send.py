"""Sends what a service says itself to all browsers of a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.commands.messages.schedule import accepted_by
from server.commands.people.patients import find_person_of
from server.domain.access import Caller
from server.domain.errors import NotFound
from storage.contract.storage import Transaction
from storage.model.channels import Channel
from storage.model.ids import new_id
from storage.model.literal_contents import LiteralContent
from storage.model.messages import NO_TEMPLATE, Message
from storage.model.push_subscriptions import MOST_BROWSERS, PushSubscription

_MOST_ATTEMPTS = 100
"""More than are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPush:
    """What to show to a person."""

    brand_id: str
    """Empty: the only one of the token."""
    patient_id: str
    title: str
    body: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptedPush:
    """Whose browsers get it, and the message to each."""

    person_id: str
    messages: Sequence[Message]


async def accept_push(tx: Transaction, caller: Caller, new: NewPush) -> AcceptedPush:
    """Accepts a message to each subscription of the person, newest first, due now. Whether it may
    go there is asked when it is claimed, as of every message.

    Raises NotFound for a person without a subscription and for a brand of others,
    PatientAmbiguous, ValidationFailed, UnknownBrand.
    """
    brand = caller.principal.brand_or_only(new.brand_id)
    person_id = await find_person_of(tx, brand, new.patient_id)
    browsers = await tx.push_subscriptions.list_of_person(brand, person_id, MOST_BROWSERS)
    if not browsers:
        raise NotFound("push_subscription")
    messages = [_message(caller, browser) for browser in browsers]
    for message in messages:
        added = await tx.messages.insert_unless_duplicate(message, accepted_by(caller))
        assert added, "it has no key"
        content = LiteralContent(
            message_id=message.id, title=new.title, body=new.body, action_url=new.url
        )
        await tx.literal_contents.insert(content)
    return AcceptedPush(person_id, messages)


async def find_vendor_id(tx: Transaction, message_id: str) -> str | None:
    """What the push service calls a message that it has taken; None if it did not say, or has
    not taken it."""
    attempts = await tx.messages.list_attempts(message_id, None, _MOST_ATTEMPTS)
    return attempts[-1].provider_message_id if attempts else None


def _message(caller: Caller, browser: PushSubscription) -> Message:
    return Message(
        id=new_id(),
        brand_id=browser.brand_id,
        person_id=browser.person_id,
        channel=Channel.PUSH,
        template_key=NO_TEMPLATE,
        template_revision=0,
        recipient=browser.id,
        scheduled_at=caller.now,
        due_at=caller.now,
        created_at=caller.now,
    )
