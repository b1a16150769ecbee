"""Adds the messages of sends, thousands at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import select

from storage.contract.signals import messages as messages_topic
from storage.model.messages import Message, MessageStatus
from storage.sql.connection import Connection
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.locks import lock_sends
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.dialects.types import dump_json
from storage.sql.schema.messages import MESSAGE, messages
from storage.sql.schema.sends import sends

_ROWS_AT_ONCE = 5000
_STEP = ("enrollment_id", "step")
"""What rows of sends have not."""
_COLUMNS = (*(column.name for column in MESSAGE if column.name not in _STEP), "audience_key")


async def insert(connection: Connection, given: Iterable[Message]) -> int:
    """See `storage.contract.messages.Messages.insert_many`."""
    changes, known, sharing, inserted, last = Changes(), set[str](), set[str](), 0, None
    remaining = iter(given)
    while chunk := list(islice(remaining, _ROWS_AT_ONCE)):
        new = {message.send_id for message in chunk if message.send_id is not None} - known
        known |= new
        sharing |= await _lock(connection, new)
        await _insert_chunk(connection, chunk, sharing)
        for (send_id, status), count in Counter(
            (message.send_id, message.status) for message in chunk
        ).items():
            changes.added(send_id, status, count)
        inserted, last = inserted + len(chunk), chunk[-1]
    if last is not None:
        # Rows that are all skips complete their send at the moment they were made.
        await changes.apply(connection, last.created_at)
    return inserted


async def _lock(connection: Connection, send_ids: set[str]) -> set[str]:
    """Locks the sends. Returns those that allow shared addresses."""
    if not send_ids:
        return set()
    await lock_sends(connection, sends.c.id.in_(sorted(send_ids)))
    statement = select(sends.c.id).where(
        sends.c.id.in_(sorted(send_ids)), sends.c.allow_shared_addresses
    )
    return {row.id for row in (await connection.execute(statement)).all}


async def _insert_chunk(
    connection: Connection, chunk: Sequence[Message], sharing: Set[str]
) -> None:
    as_row = _row_writer(connection.dialect, sharing)
    await connection.insert_rows(messages, _COLUMNS, [as_row(message) for message in chunk])
    for channel in {
        message.channel for message in chunk if message.status is MessageStatus.PENDING
    }:
        connection.fire(messages_topic(channel))


def _audience_key(message: Message, sharing: Set[str]) -> str | None:
    if message.send_id is None or message.status is not MessageStatus.PENDING:
        return None
    return (
        f"{message.person_id}\x1f{message.recipient}"
        if message.send_id in sharing
        else message.recipient
    )


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
