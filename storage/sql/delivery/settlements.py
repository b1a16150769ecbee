"""Settles messages: writes the outcome of each row a worker held, fenced by the lease."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, Row, and_, bindparam, case, func, not_, null, or_, update

from storage.contract.signals import messages as messages_topic
from storage.contract.signals import outcome
from storage.model.deliveries import Settlement
from storage.model.messages import MessageStatus
from storage.sql.connection import Connection
from storage.sql.delivery.attempts import insert_attempts, insert_inbox_items
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.enrollments import lock_enrollments_by_id
from storage.sql.delivery.locks import lock_sends_of
from storage.sql.delivery.policy_resends import note_resends
from storage.sql.delivery.steps import Ended, ended, go_on
from storage.sql.delivery.transitions import ACCEPTED, IN_DOUBT, IS_CANCELLED, WAS_ACCEPTED, word
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.dialects.types import Instant
from storage.sql.schema.messages import messages

_AMBIGUOUS = "ambiguous"
_OF_STEP = (messages.c.failure_reason, messages.c.enrollment_id, messages.c.step)
_NOT_SENT = (MessageStatus.FAILED.value, MessageStatus.SKIPPED.value, MessageStatus.EXPIRED.value)


async def settle(
    connection: Connection, settlements: Sequence[Settlement], now: datetime
) -> set[str]:
    """See `Messages.settle`."""
    applied: set[str] = set()
    remaining = sorted(settlements, key=lambda each: each.message_id)
    while remaining:
        # One statement changes a row once; a second settlement of the same row comes after it, and
        # too late.
        batch = {each.message_id: each for each in reversed(remaining)}
        applied |= await _settle_distinct(connection, batch, now)
        remaining = [each for each in remaining if batch[each.message_id] is not each]
    await insert_attempts(
        connection, (each.attempt for each in settlements if each.attempt is not None)
    )
    return applied


async def _settle_distinct(
    connection: Connection, batch: dict[str, Settlement], now: datetime
) -> set[str]:
    changes = Changes()
    await lock_sends_of(connection, batch)
    await lock_enrollments_by_id(connection, (each.enrollment_id for each in batch.values()))
    ends: list[Ended | None] = []
    sent = {message_id: each for message_id, each in batch.items() if _is_plainly_sent(each)}
    applied = await _settle_sent(connection, sent.values(), changes, ends, now)
    settled = await _settle_any(
        connection, [each for message_id, each in batch.items() if message_id not in sent], now
    )
    for row in settled:
        changes.moved(row.send_id, batch[row.id].expected, row.status)
        _tell(connection, row.id, row.send_id)
        if row.status is MessageStatus.PENDING:
            connection.fire(messages_topic(row.channel))
    applied |= {row.id for row in settled}
    ends += map(ended, settled)
    await _accept_late(
        connection,
        [each for each in batch.values() if each.message_id not in applied],
        changes,
        ends,
        now,
    )
    await go_on(connection, ends, changes, now)
    await changes.apply(connection, now)
    await note_resends(connection, (row for row in settled if _is_resent(row, batch)), now)
    await insert_inbox_items(
        connection,
        (
            each.inbox_item
            for each in batch.values()
            if each.inbox_item and each.message_id in applied
        ),
    )
    return applied


def _is_plainly_sent(each: Settlement) -> bool:
    """Nothing but sent can come of it, whatever happened before: what most settlements are."""
    return each.status is MessageStatus.SENT and each.reason is None and each.due_at is None


async def _settle_sent(
    connection: Connection,
    sent: Collection[Settlement],
    changes: Changes,
    ends: list[Ended | None],
    now: datetime,
) -> set[str]:
    applied: set[str] = set()
    rows, statement = _sent(connection.dialect)
    for expected in (MessageStatus.LEASED, MessageStatus.SENDING):
        held = [(each.message_id, each.lease) for each in sent if each.expected is expected]
        if not held:
            continue
        given = connection.dialect.row_set_parameters(rows, held)
        settled = await connection.fetch(
            statement, {**given, "expected_status": expected, "now": now}
        )
        applied.update(message_id for message_id, *_ in settled)
        for message_id, send_id, *_ in settled:
            _tell(connection, message_id, send_id)
        for send_id, count in Counter(send_id for _, send_id, *_ in settled).items():
            changes.moved(send_id, expected, MessageStatus.SENT, count)
        ends += [
            Ended(enrollment_id, step, send_id)
            for _, send_id, enrollment_id, step in settled
            if enrollment_id is not None
        ]
    return applied


async def _settle_any(
    connection: Connection, given_settlements: Sequence[Settlement], now: datetime
) -> Sequence[Row[Any]]:
    if not given_settlements:
        return ()
    given_rows, statement = _settle(connection.dialect)
    given = connection.dialect.row_set_parameters(given_rows, map(_given, given_settlements))
    return (await connection.execute(statement, {**given, "now": now})).all


def _is_resent(row: Row[Any], batch: dict[str, Settlement]) -> bool:
    return row.status is MessageStatus.PENDING and batch[row.id].resent_by_policy


def _given(each: Settlement) -> tuple[object, ...]:
    doubt = each.status is MessageStatus.PENDING and _outcome(each) == _AMBIGUOUS
    uncalled = (
        each.expected is MessageStatus.SENDING
        and each.status is MessageStatus.PENDING
        and each.attempt is None
    )
    return (
        each.message_id,
        each.lease,
        each.expected.value,
        each.status.value,
        each.reason,
        int(doubt),
        int(uncalled),
        each.due_at,
    )


def _outcome(settlement: Settlement) -> str | None:
    return None if settlement.attempt is None else settlement.attempt.outcome


async def _accept_late(
    connection: Connection,
    late: Sequence[Settlement],
    changes: Changes,
    ends: list[Ended | None],
    now: datetime,
) -> None:
    # Only where a provider was called: what is accepted without one is an inbox item, and a late
    # one was not written.
    accepted = [
        (each.message_id,)
        for each in late
        if each.expected is MessageStatus.SENDING and _outcome(each) == ACCEPTED
    ]
    if not accepted:
        return
    for before in (MessageStatus.UNKNOWN, MessageStatus.PENDING, MessageStatus.LEASED):
        given_rows, statement = _accept(connection.dialect, before)
        given = connection.dialect.row_set_parameters(given_rows, accepted)
        for row in (await connection.execute(statement, {**given, "now": now})).all:
            changes.moved(row.send_id, before, MessageStatus.SENT)
            ends.append(ended(row))
            _tell(connection, row.id, row.send_id)


def _tell(connection: Connection, message_id: str, send_id: str | None) -> None:
    """Wakes whoever waits for what becomes of a one-off; of sends the counters tell."""
    if send_id is None:
        connection.fire(outcome(message_id))


@lru_cache
def _sent(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    given = dialect.row_set("given", id=ColumnKind.TEXT, lease=ColumnKind.INTEGER)
    statement = update(messages).where(
        messages.c.id == given.c.id,
        messages.c.lease == given.c.lease,
        messages.c.status == bindparam("expected_status"),
    )
    statement = statement.values(
        status=MessageStatus.SENT,
        failure_reason=None,
        sent_at=bindparam("now", type_=Instant()),
        lease_expires_at=None,
    )
    returned = (messages.c[name] for name in ("id", "send_id", "enrollment_id", "step"))
    return given, statement.returning(*returned)


@lru_cache
def _settle(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    words = dict.fromkeys(("expected", "status", "reason"), ColumnKind.TEXT)
    given = dialect.row_set(
        "given",
        id=ColumnKind.TEXT,
        lease=ColumnKind.INTEGER,
        **words,
        doubt=ColumnKind.INTEGER,
        uncalled=ColumnKind.INTEGER,
        due_at=ColumnKind.INSTANT,
    )
    now = bindparam("now", type_=Instant())
    in_doubt = or_(messages.c.in_doubt, given.c.doubt == 1)
    # A row that was with its provider when its send or enrollment was cancelled is not tried again.
    stopped = and_(given.c.status == "pending", IS_CANCELLED)
    ends_in_doubt = and_(in_doubt, or_(stopped, given.c.status.in_(_NOT_SENT)))
    statement = (
        update(messages)
        .where(
            messages.c.id == given.c.id,
            messages.c.lease == given.c.lease,
            messages.c.status == given.c.expected,
        )
        .values(
            status=case(
                (WAS_ACCEPTED, word(MessageStatus.SENT)),
                (ends_in_doubt, word(MessageStatus.UNKNOWN)),
                (stopped, word(MessageStatus.CANCELLED)),
                else_=given.c.status,
            ),
            failure_reason=case(
                (WAS_ACCEPTED, null()), (ends_in_doubt, IN_DOUBT), else_=given.c.reason
            ),
            due_at=func.coalesce(given.c.due_at, messages.c.due_at),
            sent_at=case(
                (or_(WAS_ACCEPTED, given.c.status == "sent"), now), else_=messages.c.sent_at
            ),
            cancelled_at=case((and_(stopped, not_(in_doubt)), now), else_=messages.c.cancelled_at),
            in_doubt=in_doubt,
            attempts=messages.c.attempts - given.c.uncalled,
            lease_expires_at=None,
        )
    )
    return given, statement.returning(
        messages.c.id,
        messages.c.brand_id,
        messages.c.send_id,
        messages.c.status,
        messages.c.channel,
        *_OF_STEP,
    )


@lru_cache
def _accept(dialect: SqlDialect, before: MessageStatus) -> tuple[RowSet, Executable]:
    given = dialect.row_set("given", id=ColumnKind.TEXT)
    statement = (
        update(messages)
        .where(messages.c.id == given.c.id, messages.c.status == before)
        .values(
            status=MessageStatus.SENT,
            sent_at=bindparam("now", type_=Instant()),
            failure_reason=None,
            lease_expires_at=None,
        )
    )
    return given, statement.returning(
        messages.c.id, messages.c.send_id, messages.c.status, *_OF_STEP
    )
