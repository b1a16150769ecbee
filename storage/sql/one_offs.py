"""Adding many one-off messages by one statement, as they come from callers that do not know of each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from operator import attrgetter

from sqlalchemy import BigInteger, Boolean, Column, Executable, Integer, func, select

from storage.records import Accepted, Message
from storage.signals import SOON
from storage.signals import messages as messages_topic
from storage.sql.connection import Connection
from storage.sql.dialects import Kind, RowSet, SqlDialect
from storage.sql.tables import MESSAGE, messages, templates
from storage.sql.types import JSON_TEXT, Instant

_COLUMNS = (*MESSAGE, messages.c.accepted_by, messages.c.request_id)
_NAMES = tuple(column.name for column in _COLUMNS)
_values = attrgetter(*(column.name for column in MESSAGE))
_BRAND, _DEDUP_KEY = map(_NAMES.index, ("brand_id", "dedup_key"))
_by = attrgetter("by", "request_id")
_NOBODY = (None, None)


async def insert(connection: Connection, given: Sequence[Message], accepted: Sequence[Accepted]) -> set[str]:
    """See `storage.deliveries.Messages.insert_one_offs`."""
    assert all(message.send_id is None for message in given), "rows of a send are counted, and added by insert_many"
    dialect = connection.dialect
    values = [(*_values(message), *by) for message, by in zip(given, map(_by, accepted) if accepted else repeat(_NOBODY), strict=False)]
    if dialect.locks_rows:
        # In one order, so that two that have keys in common wait for each other in one direction only.
        values.sort(key=lambda row: (row[_BRAND], row[_DEDUP_KEY] or ""))
    rows, statement = _insertion(dialect)
    added = await connection.change(statement, dialect.row_set_parameters(rows, values))
    ids = {message.id for message in given}
    if added < len(given):
        ids = await _there(connection, ids)
    for channel in {message.channel for message in given if message.due_at - message.created_at <= SOON and message.id in ids}:
        connection.fire(messages_topic(channel))
    return ids


async def _there(connection: Connection, ids: set[str]) -> set[str]:
    """Asked for only when some were not: with RETURNING, every row would cost a step of its own, and on SQLite each step gives up Python's
    lock to the other threads and has to wait for it again."""
    rows = connection.dialect.row_set("wanted", id=Kind.TEXT)
    statement = select(messages.c.id).join(rows.table, messages.c.id == rows.c.id)
    found = await connection.execute(statement, connection.dialect.row_set_parameters(rows, [(each,) for each in ids]))
    return {row.id for row in found.all}


@lru_cache
def _insertion(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    rows = dialect.row_set("given", **{column.name: _kind(column) for column in _COLUMNS})
    same_template = (getattr(templates.c, name) == getattr(rows.c, name) for name in ("brand_id", "channel", "template_key"))
    latest = select(func.max(templates.c.revision)).where(*same_template).scalar_subquery()
    current = select(*(getattr(rows.c, name) for name in _NAMES)).where(rows.c.template_revision == latest)
    # Whatever is taken: a dedup key, or the id of a message whose first try was committed though its answer was lost.
    statement: Executable = dialect.insert(messages).from_select(_NAMES, current).on_conflict_do_nothing()
    return rows, statement


def _kind(column: Column[object]) -> Kind:
    if column.type is JSON_TEXT:
        return Kind.JSON
    for kind, types in ((Kind.INTEGER, (BigInteger, Integer)), (Kind.BOOLEAN, (Boolean,)), (Kind.INSTANT, (Instant,))):
        if isinstance(column.type, types):
            return kind
    return Kind.TEXT
