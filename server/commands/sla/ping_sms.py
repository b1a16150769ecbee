"""Sends a canary by SMS, to see whether the provider delivers."""

from __future__ import annotations

from datetime import datetime, timedelta

from server.commands.messages.schedule import NewMessage
from server.commands.messages.send import accept_at_once
from server.commands.templates.add_version import NewVersion, add_version
from server.commands.templates.create import NewTemplate, create_template
from server.domain.access import Caller
from server.domain.errors import NoCanaryNumber, TemplateExists
from storage.contract.storage import Transaction
from storage.model.channels import Channel
from storage.model.ids import new_id
from storage.model.messages import Message

CANARY = "sms-canary"
"""The key of its template, which a brand gets with its first ping, and the person that it is for,
who need not be known."""
BODY = "This is a test of message delivery. No answer is needed."
LIFETIME = timedelta(seconds=30)
"""After which a canary that has not left is of no use any more."""


async def accept_canary(tx: Transaction, caller: Caller, brand_id: str, number: str) -> Message:
    """Accepts a message to the number, due now, of the brand or the only one of the token.

    Raises NoCanaryNumber if the number is empty, NotFound for a brand of others, UnknownBrand,
    ValidationFailed, and what `accept_at_once` raises.
    """
    brand_id = caller.principal.brand_or_only(brand_id)
    if not number:
        raise NoCanaryNumber
    await _require_template(tx, caller, brand_id)
    new = NewMessage(
        brand_id=brand_id,
        person_id=CANARY,
        channel=Channel.SMS,
        template_key=CANARY,
        recipient=number,
        dedup_key=f"{CANARY}-{new_id()}",
        variables={},
        hipaa=False,
        scheduled_at=caller.now,
        expire_at=caller.now + LIFETIME,
    )
    return await accept_at_once(tx, caller, new)


def latency_ms(message: Message, now: datetime, waited: float) -> int:
    """Milliseconds from when a canary was accepted until it was delivered; if it was not, until
    now, but no more than the seconds that were `waited` for it."""
    end = message.sent_at or min(now, message.created_at + timedelta(seconds=waited))
    return max(0, round((end - message.created_at) / timedelta(milliseconds=1)))


async def _require_template(tx: Transaction, caller: Caller, brand_id: str) -> None:
    if await tx.templates.find_by_key(brand_id, Channel.SMS, CANARY) is not None:
        return
    new = NewTemplate(brand_id=brand_id, channel=Channel.SMS, template_key=CANARY)
    try:
        template = await create_template(tx, caller, new)
    except TemplateExists:
        # Another first ping was quicker.
        return
    await add_version(tx, caller, template.id, NewVersion(subject=None, body=BODY, html=None))
