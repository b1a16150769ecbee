"""Adds many one-off messages by one statement, as they come from callers that do not know of each
other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from operator import attrgetter

from sqlalchemy import BigInteger, Boolean, Column, Executable, Integer, literal, select

from storage.contract.signals import SOON
from storage.contract.signals import messages as messages_topic
from storage.model.messages import Accepted, Message, MessageStatus
from storage.sql.connection import Connection
from storage.sql.delivery.suppressed import suppression_of
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.dialects.types import JSON_TEXT, Instant
from storage.sql.schema.messages import messages
from storage.sql.schema.templates import template_versions, templates

_ALIKE = {"status": MessageStatus.PENDING, "lease": 0, "attempts": 0, "in_doubt": False}
"""What every new message has. The other columns that are not given are null."""
_OWN = (
    "id",
    "brand_id",
    "person_id",
    "channel",
    "template_key",
    "template_revision",
    "recipient",
    "dedup_key",
    "fingerprint",
    "variables",
    "hipaa",
    "scheduled_at",
    "due_at",
    "created_at",
    "expire_at",
)
"""What new messages differ in: no more than that, since SQLite looks for each value of a row from
the row's beginning."""
_NAMES = (*_OWN, *Accepted._fields)
_values = attrgetter(*_OWN)
_BRAND, _DEDUP_KEY = map(_NAMES.index, ("brand_id", "dedup_key"))
_NOBODY = (None, None)


async def insert(
    connection: Connection, given: Sequence[Message], accepted: Sequence[Accepted]
) -> set[str]:
    """See `storage.contract.messages.Messages.insert_one_offs`."""
    assert all(message.send_id is None for message in given), (
        "rows of a send are counted, and added by insert_many"
    )
    assert all(message.status is MessageStatus.PENDING for message in given), "they are new"
    dialect = connection.dialect
    values = [
        (*_values(message), *by)
        for message, by in zip(given, accepted or repeat(_NOBODY), strict=False)
    ]
    if not dialect.single_writer:
        # Two that have keys in common wait for each other in one direction only.
        values.sort(key=lambda row: (row[_BRAND], row[_DEDUP_KEY] or ""))
    rows, statement = _insertion(dialect)
    added = await connection.change(statement, dialect.row_set_parameters(rows, values))
    ids = {message.id for message in given}
    if added < len(given):
        ids = await _there(connection, ids)
    for channel in {
        message.channel
        for message in given
        if message.due_at - message.created_at <= SOON and message.id in ids
    }:
        connection.fire(messages_topic(channel))
    return ids


async def _there(connection: Connection, ids: set[str]) -> set[str]:
    """Asked for only when some were not: with RETURNING, every row would cost a step of its own,
    and on SQLite each step gives up Python's lock to the other threads and has to wait for it
    again."""
    rows = connection.dialect.row_set("wanted", id=ColumnKind.TEXT)
    statement = select(messages.c.id).join(rows.table, messages.c.id == rows.c.id)
    found = await connection.execute(
        statement, connection.dialect.row_set_parameters(rows, [(each,) for each in ids])
    )
    return {row.id for row in found.all}


@lru_cache
def _insertion(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    rows = dialect.row_set("given", **{name: _kind(messages.c[name]) for name in _NAMES})
    # By way of one look-up of the key: SQLite takes each value out of the row's JSON as often as it
    # is named.
    current_version = template_versions.c.id == templates.c.current_version_id
    latest = (
        select(template_versions.c.revision)
        .join_from(templates, template_versions, current_version)
        .where(
            *(
                templates.c[name] == getattr(rows.c, name)
                for name in ("brand_id", "channel", "template_key")
            ),
            templates.c.archived_at.is_(None),
            suppression_of(
                templates.c.brand_id, templates.c.channel, rows.c.recipient, transactional=True
            ).is_(None),
        )
        .scalar_subquery()
    )
    alike = (literal(value, messages.c[name].type) for name, value in _ALIKE.items())
    current = select(*(getattr(rows.c, name) for name in _NAMES), *alike).where(
        rows.c.template_revision == latest
    )
    # Whatever is taken: a dedup key, or the id of a message whose first try was committed though
    # its answer was lost.
    statement: Executable = (
        dialect.insert(messages).from_select((*_NAMES, *_ALIKE), current).on_conflict_do_nothing()
    )
    return rows, statement


def _kind(column: Column[object]) -> ColumnKind:
    if column.type is JSON_TEXT:
        return ColumnKind.JSON
    for kind, types in (
        (ColumnKind.INTEGER, (BigInteger, Integer)),
        (ColumnKind.BOOLEAN, (Boolean,)),
        (ColumnKind.INSTANT, (Instant,)),
    ):
        if isinstance(column.type, types):
            return kind
    return ColumnKind.TEXT
