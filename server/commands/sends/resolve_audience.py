"""Makes messages of an audience, a batch at a time: of people who match, or of messages of another
send that failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from server.commands.gate.rules import campaign_rule
from server.domain.contacts.recipients import ClassifiedRecipients
from server.domain.criteria.parse import parse_criteria
from storage.contract.storage import Transaction
from storage.model.audiences import AudienceMember, SkipReason
from storage.model.ids import new_id
from storage.model.sends import Send, SendStatus

BATCH = 2000
"""People a transaction: long enough to be fast, short enough not to hold up other writers."""


async def resolve_audience_batch(tx: Transaction, send_id: str, now: datetime) -> None:
    """Adds the next batch of a send's audience; does nothing once it is done or cancelled.

    The cursor moves in the transaction that writes the messages, so a crash neither loses nor
    repeats anybody.
    """
    send = await tx.sends.find(send_id, lock=True)
    if send is None or send.audience_done or send.status is not SendStatus.SENDING:
        return
    batch, cursor = await (
        _matching_people(tx, send)
        if send.parent_send_id is None
        else _failed_messages(tx, send, now)
    )
    if not send.allow_shared_addresses:
        batch = batch.once_per_address()
    await tx.messages.insert_many(
        send.message(new_id(), *recipient, skip, now) for recipient, skip in batch
    )
    await tx.sends.advance_audience(send.id, cursor, done=len(batch.recipients) < BATCH, now=now)


def classify_members(members: Sequence[AudienceMember]) -> ClassifiedRecipients:
    """People of an audience, each with the reason of their own to skip them."""
    return ClassifiedRecipients(
        [(member.person_id, member.address) for member in members],
        [SkipReason(member.skip_reason) if member.skip_reason else None for member in members],
    )


async def _matching_people(tx: Transaction, send: Send) -> tuple[ClassifiedRecipients, str | None]:
    """The next people, and the one to go on after."""
    criteria = parse_criteria(send.criteria or {}, "criteria")
    as_of = send.started_at or send.created_at
    reached_by = None if send.allow_shared_addresses else send.id
    members = await tx.people.list_matching(
        await campaign_rule(tx, send.brand_id, send.channel, send.template_key),
        criteria,
        as_of,
        send.audience_cursor,
        BATCH,
        reached_by=reached_by,
    )
    return classify_members(members), members[-1].person_id if members else send.audience_cursor


async def _failed_messages(
    tx: Transaction, send: Send, now: datetime
) -> tuple[ClassifiedRecipients, str | None]:
    """Those of the next failed messages of the parent, and the message to go on after. The gate
    looks at them when they are claimed."""
    assert send.parent_send_id is not None
    failed = await tx.sends.mark_retried(
        send.parent_send_id, send.id, send.retries_unknown, send.audience_cursor, BATCH, now
    )
    batch = ClassifiedRecipients(
        [(message.person_id, message.recipient) for message in failed], [None] * len(failed)
    )
    return batch, failed[-1].id if failed else send.audience_cursor
