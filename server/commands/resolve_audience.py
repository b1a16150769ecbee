"""An audience becomes messages, a keyset batch at a time."""

from __future__ import annotations

from datetime import datetime

from server.domain.criteria import parse_criteria
from server.domain.ids import new_id
from server.domain.lifecycle import SendStatus
from storage.interface import Transaction
from storage.records import AudienceMember, Message, Send

BATCH = 2000
"""People a transaction: long enough to be fast, short enough not to hold up other writers."""


async def resolve_audience_batch(tx: Transaction, send_id: str, now: datetime) -> None:
    """Adds the next batch of a send's audience; does nothing once it is done or cancelled.

    The cursor moves in the transaction that writes the messages, so a crash neither loses nor repeats a person.
    """
    send = await tx.sends.find(send_id, lock=True)
    if send is None or send.audience_done or send.status is not SendStatus.SENDING:
        return
    criteria = parse_criteria(send.criteria or {}, "criteria")
    as_of = send.started_at or send.created_at
    members = await tx.people.list_matching(send.brand_id, criteria, send.channel, as_of, send.audience_cursor, BATCH)
    await tx.messages.insert_many([_message(send, member, now) for member in members])
    cursor = members[-1].person_id if members else send.audience_cursor
    await tx.sends.advance_audience(send.id, cursor, done=len(members) < BATCH, now=now)


def _message(send: Send, member: AudienceMember, now: datetime) -> Message:
    return send.message(new_id(), member.person_id, member.address, member.skip_reason, now)
