"""Adds the messages of sends and the people that they enroll, thousands at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import select

from storage.contract.signals import messages as messages_topic
from storage.model.messages import Message, MessageStatus
from storage.model.programs import OWN_ADDRESS, Enrollment, RecipientOutcome
from storage.sql.connection import Connection
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.locks import lock_sends
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.dialects.types import dump_json
from storage.sql.schema.messages import MESSAGE, messages
from storage.sql.schema.programs import enrollments
from storage.sql.schema.sends import sends

_ROWS_AT_ONCE = 5000
_STEP = ("enrollment_id", "step")
"""What rows have of sends that enroll."""
_ENROLLMENT = (
    *("id", "brand_id", "program_id", "person_id", "recipient", "recipient_channel", "status"),
    *("current_step", "next_step_at", "created_by", "enrolled_at", "send_id", "outcome"),
)
_COLUMNS = (*(column.name for column in MESSAGE if column.name not in _STEP), "audience_key")


async def insert(connection: Connection, given: Iterable[Message]) -> int:
    """See `storage.contract.messages.Messages.insert_many`."""
    changes, known, settings, inserted, last = Changes(), set[str](), _Settings(), 0, None
    remaining = iter(given)
    while chunk := list(islice(remaining, _ROWS_AT_ONCE)):
        new = {message.send_id for message in chunk if message.send_id is not None} - known
        known |= new
        await _lock(connection, new, settings)
        await _insert_chunk(connection, chunk, settings.sharing)
        _count_skipped(chunk, settings.enrolling, changes)
        for (send_id, status), count in Counter(
            (message.send_id, message.status) for message in chunk
        ).items():
            changes.added(send_id, status, count)
        inserted, last = inserted + len(chunk), chunk[-1]
    if last is not None:
        # Rows that are all skips complete their send at the moment they were made.
        await changes.apply(connection, last.created_at)
    return inserted


async def insert_over(connection: Connection, given: Sequence[Message]) -> None:
    """Adds rows that have ended already, which whoever calls counts."""
    if given:
        await _insert_chunk(connection, given, set())


@dataclass(frozen=True, slots=True)
class _Settings:
    """Which of the sends that rows are added to have a setting."""

    sharing: set[str] = field(default_factory=set)
    enrolling: set[str] = field(default_factory=set)


async def _lock(connection: Connection, send_ids: set[str], settings: _Settings) -> None:
    """Locks the sends, and reads their settings."""
    if not send_ids:
        return
    await lock_sends(connection, sends.c.id.in_(sorted(send_ids)))
    statement = select(sends.c.id, sends.c.allow_shared_addresses, sends.c.enrolls)
    rows = await connection.execute(statement.where(sends.c.id.in_(sorted(send_ids))))
    settings.sharing.update(row.id for row in rows.all if row.allow_shared_addresses)
    settings.enrolling.update(row.id for row in rows.all if row.enrolls)


def _count_skipped(chunk: Iterable[Message], enrolling: Set[str], changes: Changes) -> None:
    """Counts the recipients who were not enrolled."""
    if not enrolling:
        return
    skipped = Counter(
        message.send_id
        for message in chunk
        if message.send_id in enrolling and message.enrollment_id is None
    )
    for send_id, count in skipped.items():
        if send_id is not None:
            changes.recipients_added(send_id, RecipientOutcome.SKIPPED, count)


async def insert_enrollments(connection: Connection, given: Sequence[Enrollment]) -> None:
    """See `storage.contract.programs.Enrollments.insert_many`."""
    counted = Counter(each.send_id for each in given if each.send_id is not None)
    await lock_sends(connection, sends.c.id.in_(sorted(counted)))
    instant = lru_cache(maxsize=64)(connection.dialect.encode_instant)
    rows = [
        (
            each.id,
            each.brand_id,
            each.program_id,
            each.person_id,
            each.recipient,
            each.recipient_channel,
            each.status.value,
            each.current_step,
            None if each.next_step_at is None else instant(each.next_step_at),
            each.created_by,
            instant(each.enrolled_at),
            each.send_id,
            RecipientOutcome.PENDING.value,
        )
        for each in given
    ]
    await connection.insert_rows(enrollments, _ENROLLMENT, rows)
    changes = Changes()
    for send_id, count in counted.items():
        changes.recipients_added(send_id, RecipientOutcome.PENDING, count)
    if given:
        await changes.apply(connection, given[0].enrolled_at)


async def _insert_chunk(
    connection: Connection, chunk: Sequence[Message], sharing: Set[str]
) -> None:
    as_row = _row_writer(connection.dialect, sharing)
    rows, columns = [as_row(message) for message in chunk], _COLUMNS
    if any(message.step is not None for message in chunk):
        columns = (*_COLUMNS, *_STEP)
        rows = [
            (*row, message.enrollment_id, message.step)
            for row, message in zip(rows, chunk, strict=True)
        ]
    await connection.insert_rows(messages, columns, rows)
    for channel in {
        message.channel for message in chunk if message.status is MessageStatus.PENDING
    }:
        connection.fire(messages_topic(channel))


def _audience_key(message: Message, sharing: Set[str]) -> str | None:
    if message.send_id is None or message.status is not MessageStatus.PENDING:
        return None
    if message.recipient == OWN_ADDRESS:
        return None
    key = message.recipient
    if message.send_id in sharing:
        key = f"{message.person_id}\x1f{key}"
    # What a send tries again may be several steps to one address.
    again = message.step is not None and message.enrollment_id is None
    return f"{message.step}\x1f{key}" if again else key


def _row_writer(dialect: SqlDialect, sharing: Set[str]) -> Callable[[Message], tuple[Any, ...]]:
    # Rows of one insert share their instants: each is encoded once.
    instant = lru_cache(maxsize=64)(dialect.encode_instant)

    def optional_instant(value: datetime | None) -> object:
        return None if value is None else instant(value)

    def as_row(message: Message) -> tuple[Any, ...]:
        return (
            message.id,
            message.brand_id,
            message.person_id,
            message.channel,
            message.template_key,
            message.template_revision,
            message.recipient,
            message.send_id,
            message.dedup_key,
            message.fingerprint,
            dump_json(message.variables),
            message.hipaa,
            message.status.value,
            instant(message.scheduled_at),
            instant(message.due_at),
            message.lease,
            message.attempts,
            optional_instant(message.sent_at),
            optional_instant(message.cancelled_at),
            message.failure_reason,
            instant(message.created_at),
            optional_instant(message.expire_at),
            optional_instant(message.first_sending_at),
            message.in_doubt,
            message.retried_in,
            _audience_key(message, sharing),
        )

    return as_row
