"""Takes back rows whose worker is gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, exists, literal, null, or_, select, update

from storage.contract.signals import messages as messages_topic
from storage.model.brands import UnknownPolicy
from storage.model.deliveries import Recovery
from storage.model.ids import new_id
from storage.model.messages import Attempt, MessageStatus
from storage.sql.connection import Connection
from storage.sql.delivery.attempts import insert_attempts
from storage.sql.delivery.claims import HELD
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.enrollments import lock_enrollments
from storage.sql.delivery.locks import lock_sends
from storage.sql.delivery.policy_resends import note_resends
from storage.sql.delivery.steps import ended, go_on
from storage.sql.delivery.transitions import IN_DOUBT, IS_CANCELLED, WAS_ACCEPTED, word
from storage.sql.dialects.dialect import ColumnKind, RowSet
from storage.sql.dialects.types import Instant
from storage.sql.schema.brands import brand_policies
from storage.sql.schema.messages import messages
from storage.sql.schema.programs import enrollments
from storage.sql.schema.sends import sends

_HELD = tuple(
    messages.c[name]
    for name in (
        "id",
        "brand_id",
        "send_id",
        "attempts",
        "lease",
        "provider",
        "sending_at",
        "first_sending_at",
        "failure_reason",
        "enrollment_id",
        "step",
    )
)


async def recover(
    connection: Connection,
    now: datetime,
    *,
    everything: bool,
    key_windows: Mapping[str, timedelta],
    max_attempts: int,
) -> Recovery:
    """See `Messages.recover`."""
    abandoned = HELD if everything else messages.c.lease_expires_at <= now
    # MATERIALIZED: PostgreSQL could look through all rows of all sends instead.
    theirs = select(messages.c.send_id).where(abandoned).cte("theirs").prefix_with("MATERIALIZED")
    await lock_sends(connection, sends.c.id.in_(select(theirs.c.send_id)))
    of_steps = select(messages.c.enrollment_id).where(
        abandoned, messages.c.enrollment_id.is_not(None)
    )
    await lock_enrollments(
        connection,
        enrollments.c.id.in_(select(of_steps.cte("steps").prefix_with("MATERIALIZED"))),
    )
    released = await _release(connection, abandoned)
    in_doubt, resent = await _end_or_resend(connection, abandoned, now, key_windows, max_attempts)
    return Recovery(released=released, in_doubt=in_doubt, resent=resent)


async def _release(connection: Connection, abandoned: ColumnElement[bool]) -> int:
    statement = update(messages).where(abandoned, messages.c.status == MessageStatus.LEASED)
    rows = await connection.execute(
        statement.values(status=MessageStatus.PENDING, lease_expires_at=None).returning(
            messages.c.channel
        )
    )
    for channel in {row.channel for row in rows.all}:
        connection.fire(messages_topic(channel))
    return len(rows.all)


async def _end_or_resend(
    connection: Connection,
    abandoned: ColumnElement[bool],
    now: datetime,
    key_windows: Mapping[str, timedelta],
    max_attempts: int,
) -> tuple[int, int]:
    known = connection.dialect.row_set("known", provider=ColumnKind.TEXT, since=ColumnKind.INSTANT)
    again = _may_be_sent_again(known, max_attempts)
    statement = (
        update(messages)
        .where(abandoned, messages.c.status == MessageStatus.SENDING)
        .values(
            status=case(
                (WAS_ACCEPTED, word(MessageStatus.SENT)),
                (again, word(MessageStatus.PENDING)),
                else_=word(MessageStatus.UNKNOWN),
            ),
            failure_reason=case((or_(WAS_ACCEPTED, again), null()), else_=IN_DOUBT),
            sent_at=case((WAS_ACCEPTED, literal(now, Instant())), else_=messages.c.sent_at),
            in_doubt=or_(again, messages.c.in_doubt),
            lease_expires_at=None,
        )
    )
    changed = statement.returning(messages.c.status, messages.c.channel, *_HELD)
    windows = connection.dialect.row_set_parameters(
        known, [(provider, now - window) for provider, window in key_windows.items()]
    )
    rows = (await connection.execute(changed, windows)).all
    changes = Changes()
    for row in rows:
        changes.moved(row.send_id, MessageStatus.SENDING, row.status)
        if row.status is MessageStatus.PENDING:
            connection.fire(messages_topic(row.channel))
    await go_on(connection, map(ended, rows), changes, now)
    await changes.apply(connection, now)
    resent = [row for row in rows if row.status is MessageStatus.PENDING]
    await note_resends(
        connection, (row for row in resent if not _knows_key(row, key_windows, now)), now
    )
    await insert_attempts(
        connection,
        (
            _attempt(row.id, row.attempts, row.lease, row.provider, row.sending_at, now)
            for row in rows
        ),
    )
    found = Counter(row.status for row in rows)
    return found[MessageStatus.UNKNOWN], found[MessageStatus.PENDING]


def _knows_key(row: Row[Any], key_windows: Mapping[str, timedelta], now: datetime) -> bool:
    window = key_windows.get(row.provider)
    return window is not None and row.first_sending_at > now - window


def _may_be_sent_again(known: RowSet, max_attempts: int) -> ColumnElement[bool]:
    """`known` says since when a provider knows the keys it was given."""
    is_known = exists().where(
        known.c.provider == messages.c.provider, messages.c.first_sending_at > known.c.since
    )
    is_wanted = exists().where(
        brand_policies.c.brand_id == messages.c.brand_id,
        brand_policies.c.unknown_policy == UnknownPolicy.RESEND,
    )
    return and_(messages.c.attempts < max_attempts, ~IS_CANCELLED, or_(is_known, is_wanted))


def _attempt(
    message_id: str, number: int, lease: int, provider: str, started_at: datetime, now: datetime
) -> Attempt:
    return Attempt(
        id=new_id(),
        message_id=message_id,
        number=number,
        lease=lease,
        provider=provider,
        started_at=started_at,
        finished_at=now,
        outcome="ambiguous",
        reason=IN_DOUBT,
        provider_message_id=None,
    )
