"""Audiences of sends become messages, a keyset batch at a time."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from server.domain.audience import SkipReason
from server.domain.clock import Clock
from server.domain.criteria import parse_criteria
from server.domain.ids import new_id
from server.domain.lifecycle import SendStatus
from storage.interface import Storage, Transaction
from storage.records import AudienceMember, Message, Send
from storage.signals import AUDIENCES

BATCH = 2000
"""People a transaction: long enough to be fast, short enough not to hold up other writers."""
SENDS = 20
"""Sends a pass, a batch of each in turn, so that a big one does not hold up the others."""


class Audiences:
    """Resolves audiences. The cursor moves in the transaction that writes the messages, so a crash neither loses nor repeats a person."""

    name = "audiences"
    topics = (AUDIENCES,)

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def run_once(self) -> bool:
        """One batch of every send that is being resolved. True if there may be more."""
        send_ids = await self._storage.read(lambda tx: tx.sends.list_resolving(SENDS))
        for send_id in send_ids:
            now = self._clock.now()
            await self._storage.write(partial(_resolve_batch, send_id=send_id, now=now))
        return bool(send_ids)

    async def next_due(self) -> datetime | None:
        """None: work announces itself."""
        return None


async def _resolve_batch(tx: Transaction, send_id: str, now: datetime) -> None:
    send = await tx.sends.find(send_id, lock=True)
    if send is None or send.audience_done or send.status is not SendStatus.SENDING:
        return
    criteria = parse_criteria(send.criteria or {}, "criteria")
    members = await tx.people.list_matching(send.brand_id, criteria, send.channel, send.audience_cursor, BATCH)
    await tx.messages.insert_many([_message(send, member, now) for member in members])
    cursor = members[-1].person_id if members else send.audience_cursor
    await tx.sends.advance_audience(send.id, cursor, done=len(members) < BATCH, now=now)


def _message(send: Send, member: AudienceMember, now: datetime) -> Message:
    skip = None if member.address else SkipReason.NO_ADDRESS
    return send.message(new_id(), member.person_id, member.address or "", skip, now)
