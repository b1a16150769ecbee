"""Recipients that were given with a send and wait to be begun with, a slice at a time. They count
as pending messages of it from the start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, select

from storage.model.audiences import GivenRecipient
from storage.model.ids import new_id
from storage.model.messages import Message, MessageStatus
from storage.model.programs import RecipientOutcome
from storage.model.sends import Send
from storage.sql.connection import Connection
from storage.sql.delivery import audience_insert
from storage.sql.delivery.counters import Changes
from storage.sql.dialects.types import dump_json
from storage.sql.schema.given_recipients import given_recipients

_COLUMNS = ("send_id", "position", "count", "recipients")


async def keep(
    connection: Connection, send: Send, slices: Iterable[Sequence[GivenRecipient]], now: datetime
) -> int:
    """See `Sends.keep_recipients`."""
    count = 0
    for position, some in enumerate(slices):
        row = (send.id, position, len(some), dump_json(some))
        await connection.insert_rows(given_recipients, _COLUMNS, [row])
        count += len(some)
    await _count(connection, send, count, now)
    return count


async def take(connection: Connection, send: Send, now: datetime) -> list[GivenRecipient]:
    """See `Sends.take_recipients`."""
    taken = await _take(connection, send.id)
    await _count(connection, send, -len(taken), now)
    return taken


async def cancel_some(connection: Connection, send: Send, now: datetime) -> int:
    """Makes cancelled messages of the next slice of a send that was cancelled. Returns of how
    many."""
    taken = await _take(connection, send.id)
    made = [_cancelled(send, given, now) for given in taken]
    await audience_insert.insert_over(connection, made)
    changes = Changes()
    for message in made:
        changes.moved(send.id, MessageStatus.PENDING, message.status)
    if send.enrolls:
        changes.recipients_moved(
            send.id, RecipientOutcome.PENDING, RecipientOutcome.SKIPPED, len(made)
        )
    await changes.apply(connection, now)
    return len(made)


async def _take(connection: Connection, send_id: str) -> list[GivenRecipient]:
    of_send = given_recipients.c.send_id == send_id
    next_one = select(given_recipients.c.position, given_recipients.c.recipients).where(of_send)
    ordered = next_one.order_by(given_recipients.c.position).limit(1)
    row = (await connection.execute(ordered)).first
    if row is None:
        return []
    await connection.execute(
        delete(given_recipients).where(of_send, given_recipients.c.position == row.position)
    )
    return [(person_id, address, skip) for person_id, address, skip in row.recipients]


async def _count(connection: Connection, send: Send, count: int, now: datetime) -> None:
    changes = Changes()
    changes.added(send.id, MessageStatus.PENDING, count)
    if send.enrolls:
        changes.recipients_added(send.id, RecipientOutcome.PENDING, count)
    await changes.apply(connection, now)


def _cancelled(send: Send, given: GivenRecipient, now: datetime) -> Message:
    person_id, address, skip = given
    message = send.message(new_id(), person_id, address, skip, now)
    if skip is not None:
        return message
    return replace(message, status=MessageStatus.CANCELLED, cancelled_at=now)
