"""Addresses push messages to a person, which are claimed, to the person's browsers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from storage.contract.storage import Transaction
from storage.model.channels import Channel
from storage.model.ids import new_id
from storage.model.messages import Message, MessageStatus
from storage.model.push_subscriptions import MOST_BROWSERS, PushSubscription


def is_to_person(message: Message) -> bool:
    """Whether it is a push message to all browsers of its person: their own id is its address."""
    return message.channel == Channel.PUSH and message.recipient == message.person_id


async def address_to_browsers(tx: Transaction, message: Message, now: datetime) -> Message:
    """The claimed message, which is to its person, to the newest browser of that one; unchanged if
    there is none.

    One that somebody accepted under a key gets another for each further browser, in the transaction
    that claims it: from then on they are one-offs like any other. A row of a send or of an
    enrollment, which is counted as one, and a test go to the newest alone.
    """
    most = 1 if message.dedup_key is None else MOST_BROWSERS
    browsers = await tx.push_subscriptions.list_of_person(message.brand_id, message.person_id, most)
    if not browsers:
        return message
    newest, *others = browsers
    await tx.messages.readdress(message, newest.id)
    accepted = await tx.messages.find_accepted(message.id) if others else None
    for browser in others:
        added = await tx.messages.insert_unless_duplicate(
            _for(browser, message, now), accepted[1] if accepted is not None else None
        )
        assert added, "it has no key"
    return replace(message, recipient=newest.id)


def _for(browser: PushSubscription, message: Message, now: datetime) -> Message:
    return replace(
        message,
        id=new_id(),
        recipient=browser.id,
        dedup_key=None,
        fingerprint=None,
        status=MessageStatus.PENDING,
        lease=0,
        attempts=0,
        due_at=now,
        created_at=now,
    )
