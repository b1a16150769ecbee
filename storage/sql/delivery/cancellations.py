"""Cancels sends. What counts is the status of the send: from its commit on, no row of it is marked.
The rows follow, as many at once as hold up nobody else."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, literal_column, select, true, update

from storage.contract.signals import CANCELLATIONS, PROGRESS
from storage.model.messages import MessageStatus
from storage.model.sends import CancelReceipt, SendStatus
from storage.sql.connection import Connection
from storage.sql.delivery import given
from storage.sql.delivery.claims import leased_of
from storage.sql.delivery.counters import Changes, complete
from storage.sql.delivery.locks import lock_sends
from storage.sql.delivery.send_records import read_send
from storage.sql.delivery.steps import ended, go_on
from storage.sql.delivery.transitions import cancelled
from storage.sql.schema.messages import PENDING_OF_SEND, messages
from storage.sql.schema.sends import RECEIPT, sends

_ROWS_WITH_THE_SEND = 1_000

# Written out, since a partial index is used only for a condition the planner can see.
_SENDING = sends.c.status == literal_column("'sending'")
_ENDED = tuple(
    messages.c[name] for name in ("send_id", "status", "failure_reason", "enrollment_id", "step")
)
_KEEP_RECEIPT = (
    update(sends)
    .where(sends.c.id == bindparam("send_id"))
    .values(
        receipt_sent=sends.c.sent,
        receipt_in_flight=sends.c.in_flight,
        # What is pending of a cancelled send is not started any more.
        receipt_cancelled=sends.c.cancelled + sends.c.pending,
    )
    .returning(*(sends.c[f"receipt_{name}"] for name in RECEIPT))
)


async def cancel_sends(
    connection: Connection, which: ColumnElement[bool], now: datetime
) -> dict[str, CancelReceipt]:
    """See `Sends.cancel_running`."""
    await lock_sends(connection, which)
    stop = (
        update(sends)
        .where(which, _SENDING)
        .values(status=SendStatus.CANCELLED, audience_done=true())
    )
    stopped = sorted(row.id for row in (await connection.execute(stop.returning(sends.c.id))).all)
    receipts = {}
    for send_id in stopped:
        connection.fire(PROGRESS)
        await _cancel_rows(connection, send_id, now, _ROWS_WITH_THE_SEND)
        await complete(connection, send_id, now)
        receipts[send_id] = await _keep_receipt(connection, send_id)
    return receipts


async def sweep_cancelled(connection: Connection, now: datetime, limit: int) -> int:
    """See `Sends.sweep_cancelled`."""
    unswept = select(sends).where(
        sends.c.completed_at.is_(None), sends.c.status == SendStatus.CANCELLED, sends.c.pending > 0
    )
    row = (await connection.execute(unswept.order_by(sends.c.id).limit(1))).first
    if row is None:
        return 0
    await lock_sends(connection, sends.c.id == row.id)
    swept = await _cancel_rows(connection, row.id, now, limit)
    # Of recipients that wait, messages are made that are cancelled already.
    return swept or await given.cancel_some(connection, read_send(row), now)


async def _keep_receipt(connection: Connection, send_id: str) -> CancelReceipt:
    row = (await connection.execute(_KEEP_RECEIPT, {"send_id": send_id})).all[0]
    return CancelReceipt(**{name: row._mapping[f"receipt_{name}"] for name in RECEIPT})


async def _cancel_rows(connection: Connection, send_id: str, now: datetime, limit: int) -> int:
    """Of the send's pending rows up to `limit`, and all its leased ones."""
    pending = (
        select(messages.c.id)
        .where(PENDING_OF_SEND, messages.c.send_id == send_id)
        .order_by(messages.c.channel, messages.c.due_at, messages.c.id)
        .limit(limit)
        .with_for_update(of=messages, key_share=True)
        .cte("waiting")
        .prefix_with("MATERIALIZED")
    )
    # Leased ones second: a row that was being claimed is one of them by then.
    end = update(messages).values(cancelled(now)).returning(*_ENDED)
    over = [
        *(await connection.execute(end.where(messages.c.id == pending.c.id))).all,
        *(await connection.execute(end.where(leased_of(send_id)))).all,
    ]
    changes = Changes()
    for row in over:
        changes.moved(send_id, MessageStatus.PENDING, row.status)
    # The lock of the send is enough for its enrollments: whoever changes one locks the send first.
    await go_on(connection, map(ended, over), changes, now)
    await changes.apply(connection, now)
    left = select(sends.c.id).where(sends.c.id == send_id, sends.c.pending > 0)
    if (await connection.execute(left)).first is not None:
        connection.fire(CANCELLATIONS)
    return len(over)
