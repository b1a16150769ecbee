"""An audience becomes messages, a keyset batch at a time: people who match, or messages of another
send that failed."""

from __future__ import annotations

from datetime import datetime

from server.domain.criteria.parse import parse_criteria
from storage.contract.storage import Transaction
from storage.model.ids import new_id
from storage.model.messages import Message
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
        _matching_people(tx, send, now)
        if send.parent_send_id is None
        else _failed_messages(tx, send, now)
    )
    await tx.messages.insert_many(batch)
    await tx.sends.advance_audience(send.id, cursor, done=len(batch) < BATCH, now=now)


async def _matching_people(
    tx: Transaction, send: Send, now: datetime
) -> tuple[list[Message], str | None]:
    """The next messages, and the person to go on after."""
    criteria = parse_criteria(send.criteria or {}, "criteria")
    as_of = send.started_at or send.created_at
    members = await tx.people.list_matching(
        send.brand_id, criteria, send.channel, as_of, send.audience_cursor, BATCH
    )
    batch = [
        send.message(new_id(), member.person_id, member.address, member.skip_reason, now)
        for member in members
    ]
    return batch, members[-1].person_id if members else send.audience_cursor


async def _failed_messages(
    tx: Transaction, send: Send, now: datetime
) -> tuple[list[Message], str | None]:
    """The next messages, and the message of the parent to go on after. Suppressions are looked at
    when they are claimed."""
    assert send.parent_send_id is not None
    failed = await tx.sends.mark_retried(
        send.parent_send_id, send.id, send.retries_unknown, send.audience_cursor, BATCH, now
    )
    batch = [
        send.message(new_id(), message.person_id, message.recipient, None, now)
        for message in failed
    ]
    return batch, failed[-1].id if failed else send.audience_cursor
