"""Adds attempts and inbox items: the rows that come with a settlement."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from storage.contract.signals import inbox as inbox_topic
from storage.model.inbox import InboxItem
from storage.model.messages import Attempt
from storage.sql.connection import Connection, or_leave
from storage.sql.dialects.types import dump_json
from storage.sql.schema.inbox import inbox_items
from storage.sql.schema.messages import attempts

_ATTEMPT = [column.name for column in attempts.c]
# A new item is neither read nor archived.
_INBOX_ITEM = [
    column.name for column in inbox_items.c if column.name not in ("read_at", "archived_at")
]


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
    rows = []
    for item in items:
        rows.append(
            (
                item.id,
                item.brand_id,
                item.person_id,
                item.message_id,
                item.category,
                item.title,
                item.body,
                item.action_url,
                dump_json(item.metadata),
                instant(item.created_at),
            )
        )
        connection.fire(inbox_topic(item.brand_id, item.person_id))
    if rows:
        await connection.insert_rows(inbox_items, _INBOX_ITEM, rows)
