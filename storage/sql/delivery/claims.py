"""Takes messages for the dispatcher: lists the queues, claims rows (under a lease) and marks them
(a provider is about to be called)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    Select,
    TextClause,
    and_,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
    update,
)

from storage.model.deliveries import Queue
from storage.model.messages import Message, MessageStatus
from storage.sql.connection import Connection
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.locks import lock_sends_of
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.dialects.types import Instant
from storage.sql.schema.dispatchers import holds
from storage.sql.schema.messages import MESSAGE, PENDING_OF_SEND, PENDING_ONE_OFF, messages
from storage.sql.schema.sends import sends

_NOW = bindparam("now", type_=Instant())
_LEASE_UNTIL = bindparam("lease_until", type_=Instant())
_ON_CHANNEL: BindParameter[str] = bindparam("on_channel")

# Written out, since a partial index is used only for a condition the planner can see.
_RUNS = (sends.c.status == literal_column("'sending'")) & sends.c.paused_at.is_(None)

# Compared, not IS NOT NULL: PostgreSQL takes that for nearly all rows while it has no statistics,
# and reads them all.
HELD = messages.c.lease_expires_at > literal(datetime(1970, 1, 1, tzinfo=UTC), Instant())
"""Some worker has the row, or had it when it ended."""


def _list_queues() -> Executable:
    """Looks at one row of the index for each brand and each send, however many wait: the brands by
    jumping from one to the next."""
    one_offs = (PENDING_ONE_OFF, messages.c.channel == _ON_CHANNEL)
    brands = (
        select(func.min(messages.c.brand_id).label("brand_id"))
        .where(*one_offs)
        .cte("brands", recursive=True)
    )
    next_brand = (
        select(func.min(messages.c.brand_id))
        .where(*one_offs, messages.c.brand_id > brands.c.brand_id)
        .scalar_subquery()
    )
    brands = brands.union_all(select(next_brand).where(brands.c.brand_id.is_not(None)))
    due_of_brand = (
        select(func.min(messages.c.due_at))
        .where(*one_offs, messages.c.brand_id == brands.c.brand_id)
        .scalar_subquery()
    )
    due_of_send = (
        select(func.min(messages.c.due_at))
        .where(PENDING_OF_SEND, messages.c.send_id == sends.c.id)
        .scalar_subquery()
    )
    queues = union_all(
        select(brands.c.brand_id, null().label("send_id"), due_of_brand.label("next_due")).where(
            brands.c.brand_id.is_not(None)
        ),
        select(sends.c.brand_id, sends.c.id, due_of_send).where(
            _RUNS, sends.c.channel == _ON_CHANNEL
        ),
    ).subquery("queues")
    return select(queues).where(~exists().where(holds.c.held_at.is_not(None)))


def _due(*of_queue: ColumnElement[bool] | TextClause) -> Select[Any]:
    due = select(messages.c.id).where(*of_queue, messages.c.due_at <= _NOW)
    return due.order_by(messages.c.due_at, messages.c.id).limit(bindparam("at_most"))


@lru_cache
def _claim(of_queue: Select[Any]) -> Executable:
    # MATERIALIZED: folded into the UPDATE, the LIMIT could be evaluated more than once and lease
    # more rows than asked for.
    due = (
        of_queue.with_for_update(of=messages, skip_locked=True, key_share=True)
        .cte("due")
        .prefix_with("MATERIALIZED")
    )
    return (
        update(messages)
        .where(messages.c.id == due.c.id)
        .values(
            status=MessageStatus.LEASED,
            lease=messages.c.lease + 1,
            lease_expires_at=_LEASE_UNTIL,
            claimed_at=_NOW,
        )
        .returning(*MESSAGE)
    )


_LIST_QUEUES = _list_queues()
_DUE_ONE_OFFS = _due(
    PENDING_ONE_OFF, messages.c.channel == _ON_CHANNEL, messages.c.brand_id == bindparam("of_brand")
)
# Whether the send runs is looked at without a lock: what it costs to be late is a lease, since the
# mark looks again.
_OF_SEND: BindParameter[str] = bindparam("of_send")
_DUE_OF_SEND = _due(
    PENDING_OF_SEND, messages.c.send_id == _OF_SEND, exists().where(sends.c.id == _OF_SEND, _RUNS)
)


async def list_queues(connection: Connection, channel: str) -> list[Queue]:
    """See `Messages.list_queues`."""
    rows = await connection.fetch(_LIST_QUEUES, {"on_channel": channel})
    return [
        Queue(channel, brand_id, send_id, next_due)
        for brand_id, send_id, next_due in rows
        if next_due is not None
    ]


async def claim(
    connection: Connection, queue: Queue, now: datetime, lease_until: datetime, limit: int
) -> list[Message]:
    """See `Messages.claim`."""
    given: dict[str, Any] = {"now": now, "at_most": limit}
    if queue.send_id is None:
        due, given = (
            _DUE_ONE_OFFS,
            given | {"on_channel": queue.channel, "of_brand": queue.brand_id},
        )
    else:
        due, given = _DUE_OF_SEND, given | {"of_send": queue.send_id}
    leased = await connection.fetch_records(
        Message, _claim(due), given | {"lease_until": lease_until}
    )
    return sorted(leased, key=lambda message: (message.due_at, message.id))


async def mark_sending(
    connection: Connection,
    claimed: Sequence[Message],
    provider: str,
    now: datetime,
    lease_until: datetime,
) -> set[str]:
    """See `Messages.mark_sending`."""
    dialect = connection.dialect
    rows_given, statement = _mark(dialect)
    # In the order of ids, so that two batches with the same rows wait for each other rather than
    # deadlock.
    in_order = sorted((message.id, message.lease) for message in claimed)
    given = dialect.row_set_parameters(rows_given, in_order)
    await lock_sends_of(connection, (message_id for message_id, _ in in_order))
    marked = await connection.fetch(
        statement, {**given, "by_provider": provider, "now": now, "lease_until": lease_until}
    )
    changes = Changes()
    for send_id, count in Counter(send_id for _, send_id in marked).items():
        changes.moved(send_id, MessageStatus.LEASED, MessageStatus.SENDING, count)
    await changes.apply(connection, now)
    return {message_id for message_id, _ in marked}


def leased_of(send_id: str) -> ColumnElement[bool]:
    """The rows of a send that are leased. Held rows are few, while those of a send may be millions:
    an expression keeps the index of sends out of it."""
    return and_(
        HELD, messages.c.status == MessageStatus.LEASED, messages.c.send_id.concat("") == send_id
    )


@lru_cache
def _mark(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    given = dialect.row_set("given", id=ColumnKind.TEXT, lease=ColumnKind.INTEGER)
    statement = (
        update(messages)
        .where(
            messages.c.id == given.c.id,
            messages.c.lease == given.c.lease,
            messages.c.status == MessageStatus.LEASED,
        )
        .where(or_(messages.c.expire_at.is_(None), messages.c.expire_at > _NOW))
        .where(
            or_(
                messages.c.send_id.is_(None),
                exists().where(sends.c.id == messages.c.send_id, _RUNS),
            )
        )
        .values(
            status=MessageStatus.SENDING,
            attempts=messages.c.attempts + 1,
            provider=bindparam("by_provider"),
            sending_at=_NOW,
            first_sending_at=func.coalesce(messages.c.first_sending_at, _NOW),
            lease_expires_at=_LEASE_UNTIL,
        )
    )
    return given, statement.returning(messages.c.id, messages.c.send_id)
