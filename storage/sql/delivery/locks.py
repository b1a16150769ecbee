"""Locks sends before their rows are changed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from storage.sql.connection import Connection
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.schema.campaigns import campaigns
from storage.sql.schema.messages import messages
from storage.sql.schema.sends import sends


def locking_sends(*where: ColumnElement[bool], columns: Any = (sends.c.id,)) -> Select[Any]:
    """Locks sends, each after its campaign, in one order.

    Completion writes to the campaign after the send, while a cancel comes from the campaign to its
    sends: without one order they would deadlock. Whoever changes rows of sends locks the sends
    first, for the same reason.
    """
    return (
        select(*columns)
        .select_from(campaigns.join(sends, sends.c.campaign_id == campaigns.c.id))
        .where(*where)
        .order_by(campaigns.c.id, sends.c.id)
        .with_for_update(of=[campaigns, sends], key_share=True)
    )


async def lock_sends(
    connection: Connection, *where: ColumnElement[bool], parameters: dict[str, Any] | None = None
) -> None:
    """Locks the sends, unless nobody else writes anyway."""
    if not connection.dialect.single_writer:
        await connection.execute(locking_sends(*where), parameters)


async def lock_sends_of(connection: Connection, message_ids: Iterable[str]) -> None:
    """Locks the sends of messages, unless nobody else writes anyway."""
    if connection.dialect.single_writer:
        return
    rows, of_messages = _sends_of(connection.dialect)
    given = connection.dialect.row_set_parameters(rows, ((each,) for each in message_ids))
    await lock_sends(connection, of_messages, parameters=given)


@lru_cache
def _sends_of(dialect: SqlDialect) -> tuple[RowSet, ColumnElement[bool]]:
    given = dialect.row_set("held", id=ColumnKind.TEXT)
    return given, sends.c.id.in_(
        select(messages.c.send_id).where(messages.c.id.in_(select(given.c.id)))
    )
