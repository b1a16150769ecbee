"""The fast path of settling: messages that can end as nothing but sent, which most do.

What it brings stands in decision 11; the plain path is in `settlements.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, and_, bindparam, func, select, update

from storage.model.deliveries import Settlement
from storage.model.messages import MessageStatus
from storage.sql.connection import Connection
from storage.sql.delivery.counters import Changes
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.dialects.types import Instant
from storage.sql.schema.tables import messages


def is_plainly_sent(each: Settlement) -> bool:
    """Nothing but sent can come of it, whatever happened before: what most settlements are."""
    return each.status is MessageStatus.SENT and each.reason is None and each.due_at is None


async def settle_sent(
    connection: Connection, sent: Collection[Settlement], changes: Changes, now: datetime
) -> set[str]:
    """Settles what is plainly sent and still held; returns its ids."""
    applied: set[str] = set()
    statements = _sent(connection.dialect)
    for expected in (MessageStatus.LEASED, MessageStatus.SENDING):
        held = [(each.message_id, each.lease) for each in sent if each.expected is expected]
        if not held:
            continue
        given = {
            **connection.dialect.row_set_parameters(statements.given, held),
            "expected_status": expected,
            "now": now,
        }
        counts = await _counts_if_all_are_held(connection, statements, given, len(held))
        if counts is None:
            settled = await connection.fetch(statements.settle_returning, given)
            counts = Counter(send_id for _, send_id in settled)
            applied.update(message_id for message_id, _ in settled)
        else:
            await connection.change(statements.settle, given)
            applied.update(message_id for message_id, _ in held)
        for send_id, count in counts.items():
            changes.moved(send_id, expected, MessageStatus.SENT, count)
    return applied


async def _counts_if_all_are_held(
    connection: Connection, statements: _Sent, given: dict[str, Any], rows: int
) -> Mapping[str | None, int] | None:
    """How many of the rows are of which send, if all of them are still held. None if they are not,
    or others write meanwhile: then the rows that were changed have to be returned one by one, which
    takes SQLite's driver longer than to change them."""
    if not connection.dialect.single_writer:
        return None
    held = await connection.fetch(statements.count_held, given)
    counts = {row[0]: row[1] for row in held}
    return counts if sum(counts.values()) == rows else None


@dataclass(frozen=True, slots=True)
class _Sent:
    given: RowSet
    count_held: Executable
    settle: Executable
    settle_returning: Executable


@lru_cache
def _sent(dialect: SqlDialect) -> _Sent:
    given = dialect.row_set("given", id=ColumnKind.TEXT, lease=ColumnKind.INTEGER)
    held = and_(
        messages.c.id == given.c.id,
        messages.c.lease == given.c.lease,
        messages.c.status == bindparam("expected_status"),
    )
    statement = update(messages).where(held)
    statement = statement.values(
        status=MessageStatus.SENT,
        failure_reason=None,
        sent_at=bindparam("now", type_=Instant()),
        lease_expires_at=None,
    )
    return _Sent(
        given,
        select(messages.c.send_id, func.count())
        .select_from(given.table, messages)
        .where(held)
        .group_by(messages.c.send_id),
        statement,
        statement.returning(messages.c.id, messages.c.send_id),
    )
