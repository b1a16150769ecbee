"""Claims messages for the dispatcher (under a lease) and marks them (a provider is about to be
called)."""

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
    case,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from storage.model.channels import Channel
from storage.model.deliveries import Queue
from storage.model.messages import Message, MessageStatus
from storage.model.programs import CURRENT_REVISION, OWN_ADDRESS
from storage.sql.connection import Connection
from storage.sql.delivery.addresses import address_on
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.locks import lock_sends_of
from storage.sql.delivery.queues import RUNS
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.dialects.types import Instant
from storage.sql.schema.messages import (
    MESSAGE,
    PENDING_OF_SEND,
    PENDING_ONE_OFF,
    PENDING_STEP,
    messages,
)
from storage.sql.schema.people import people
from storage.sql.schema.programs import program_steps
from storage.sql.schema.sends import sends
from storage.sql.schema.templates import template_versions

_NOW = bindparam("now", type_=Instant())
_LEASE_UNTIL = bindparam("lease_until", type_=Instant())
_ON_CHANNEL: BindParameter[str] = bindparam("on_channel")

# Compared, not IS NOT NULL: PostgreSQL takes that for nearly all rows while it has no statistics,
# and reads them all.
HELD = messages.c.lease_expires_at > literal(datetime(1970, 1, 1, tzinfo=UTC), Instant())
"""Some worker has the row, or had it when it ended."""


def _due(*of_queue: ColumnElement[bool] | TextClause) -> Select[Any]:
    due = select(messages.c.id).where(*of_queue, messages.c.due_at <= _NOW)
    return due.order_by(messages.c.due_at, messages.c.id).limit(bindparam("at_most"))


@lru_cache
def _claim_one_offs() -> Executable:
    return _claiming(_DUE_ONE_OFFS)


@lru_cache
def _claim_steps(dialect: SqlDialect, channel: str) -> Executable:
    """What a step of a sequence leaves open until it runs is written when it is first claimed: the
    revision of its template, and the person's own address."""
    is_open = messages.c.template_revision == CURRENT_REVISION
    current = (
        select(func.max(template_versions.c.revision))
        .where(
            template_versions.c.brand_id == messages.c.brand_id,
            template_versions.c.channel == messages.c.channel,
            template_versions.c.template_key == messages.c.template_key,
        )
        .scalar_subquery()
    )
    revision = case(
        (is_open, func.coalesce(current, CURRENT_REVISION)), else_=messages.c.template_revision
    )
    recipient = _recipient(dialect, channel)
    return _claiming(_DUE_STEPS, template_revision=revision, recipient=recipient)


def _recipient(dialect: SqlDialect, channel: str) -> ColumnElement[Any]:
    own = (
        select(address_on(dialect, Channel(channel)))
        .where(people.c.brand_id == messages.c.brand_id, people.c.person_id == messages.c.person_id)
        .scalar_subquery()
    )
    address = messages.c.person_id if channel == Channel.IN_APP else func.coalesce(own, OWN_ADDRESS)
    return case((messages.c.recipient == OWN_ADDRESS, address), else_=messages.c.recipient)


def _claiming(of_queue: Select[Any], **also: ColumnElement[Any]) -> Executable:
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
            **also,
        )
        .returning(*MESSAGE)
    )


_DUE_ONE_OFFS = _due(
    PENDING_ONE_OFF, messages.c.channel == _ON_CHANNEL, messages.c.brand_id == bindparam("of_brand")
)
_DUE_STEPS = _due(
    PENDING_STEP, messages.c.channel == _ON_CHANNEL, messages.c.brand_id == bindparam("of_brand")
)
# Whether the send runs is looked at without a lock: what it costs to be late is a lease, since the
# mark looks again.
_OF_SEND: BindParameter[str] = bindparam("of_send")
_DUE_OF_SEND = _due(
    PENDING_OF_SEND,
    messages.c.send_id == _OF_SEND,
    messages.c.channel == _ON_CHANNEL,
    exists().where(sends.c.id == _OF_SEND, RUNS),
)


@lru_cache
def _claim_of_send() -> Executable:
    """A row that had no attempt takes the revision that its send, or its step, has now."""
    return _claiming(_DUE_OF_SEND, template_revision=_revision_of_send())


@lru_cache
def _claim_steps_of_send(dialect: SqlDialect, channel: str) -> Executable:
    revision, recipient = _revision_of_send(), _recipient(dialect, channel)
    return _claiming(_DUE_OF_SEND, template_revision=revision, recipient=recipient)


def _revision_of_send() -> ColumnElement[Any]:
    own, send = messages.c.template_revision, sends.c.id == _OF_SEND
    of_send = select(sends.c.template_revision).where(send).scalar_subquery()
    of_step = (
        select(program_steps.c.template_revision)
        .where(
            program_steps.c.program_id == select(sends.c.campaign_id).where(send).scalar_subquery(),
            program_steps.c.position == messages.c.step,
        )
        .scalar_subquery()
    )
    return case(
        (messages.c.attempts > 0, own),
        (messages.c.step.is_(None), of_send),
        else_=func.coalesce(of_step, own),
    )


async def claim(
    connection: Connection, queue: Queue, now: datetime, lease_until: datetime, limit: int
) -> list[Message]:
    """See `Messages.claim`."""
    given: dict[str, Any] = {"now": now, "at_most": limit, "on_channel": queue.channel}
    if queue.send_id is None:
        given |= {"of_brand": queue.brand_id}
        statement = (
            _claim_steps(connection.dialect, queue.channel) if queue.steps else _claim_one_offs()
        )
    else:
        given |= {"of_send": queue.send_id}
        statement = (
            _claim_steps_of_send(connection.dialect, queue.channel)
            if queue.steps
            else _claim_of_send()
        )
    leased = await connection.fetch_records(
        Message, statement, given | {"lease_until": lease_until}
    )
    return sorted(leased, key=lambda message: (message.due_at, message.id))


async def readdress(connection: Connection, claimed: Message, recipient: str) -> None:
    """See `Messages.readdress`."""
    held = (messages.c.id == claimed.id, messages.c.lease == claimed.lease)
    await connection.execute(update(messages).where(*held).values(recipient=recipient))


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
                exists().where(sends.c.id == messages.c.send_id, RUNS),
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
