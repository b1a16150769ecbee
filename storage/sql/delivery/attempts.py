"""Adds attempts and inbox items: the rows that come with a settlement."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from storage.model.inbox import InboxItem
from storage.model.messages import Attempt
from storage.sql.connection import Connection, or_leave
from storage.sql.schema.inbox import inbox_items
from storage.sql.schema.messages import attempts

_ATTEMPT = [column.name for column in attempts.c]
_INBOX_ITEM = [column.name for column in inbox_items.c]


async def insert_attempts(connection: Connection, made: Iterable[Attempt]) -> None:
    """Adds attempts; one that is there already stays as it is."""
    # What is settled together began and ended at few instants: each is encoded once.
    instant = lru_cache(maxsize=64)(connection.dialect.encode_instant)
    rows = [
        (
            attempt.id,
            attempt.message_id,
            attempt.number,
            attempt.lease,
            attempt.provider,
            instant(attempt.started_at),
            instant(attempt.finished_at),
            attempt.outcome,
            attempt.reason,
            attempt.provider_message_id,
        )
        for attempt in made
    ]
    if rows:
        await connection.insert_rows(attempts, _ATTEMPT, rows, or_leave(attempts))


async def insert_inbox_items(connection: Connection, items: Iterable[InboxItem]) -> None:
    """Adds what inboxes get."""
    instant = lru_cache(maxsize=64)(connection.dialect.encode_instant)
    rows = [
        (
            item.message_id,
            item.brand_id,
            item.person_id,
            item.subject,
            item.body,
            instant(item.created_at),
        )
        for item in items
    ]
    if rows:
        await connection.insert_rows(inbox_items, _INBOX_ITEM, rows)
