"""Lists of messages by what is known of them, newest first.

A list is read along one index: that of the filter which few rows pass. It has the rows in order, so
that a page takes no look at the pages before it. Where the filter allows several values of the
indexed column, there is a query for each, and their rows are merged.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, TextClause, select, type_coerce

from storage.model.channels import Channel
from storage.model.ids import first_id_at
from storage.model.messages import UNSTARTED, Message, MessageFilter, MessageStatus
from storage.sql.connection import Connection, read_record
from storage.sql.schema.messages import (
    ENDED_UNSENT,
    HAS_REASON,
    MESSAGE,
    ONE_OFF,
    UNKNOWN,
    messages,
)
from storage.sql.schema.sends import sends

CLOCK_SKEW = timedelta(hours=1)
"""An id is made within it of `created_at`: the clocks of machines differ."""
_ENDED_UNSENT = (
    MessageStatus.FAILED,
    MessageStatus.SKIPPED,
    MessageStatus.CANCELLED,
    MessageStatus.EXPIRED,
)

_Conditions = Sequence[ColumnElement[bool] | TextClause]


async def list_page(
    connection: Connection, brand_id: str, where: MessageFilter, after: str | None, limit: int
) -> list[Message]:
    """See `Messages.list_page`."""
    found = [
        row
        for part in await _parts(connection, brand_id, where)
        for row in (await connection.execute(_select(part, where, after, limit))).all
    ]
    found.sort(key=lambda row: row.id, reverse=True)
    # Rows of one send are of one brand: asked for both, a database might walk all of the brand.
    return [read_record(Message, row) for row in found[:limit] if row.brand_id == brand_id]


async def _parts(connection: Connection, brand_id: str, where: MessageFilter) -> list[_Conditions]:
    """Conditions that an index serves, in parts that no row is in two of."""
    of_brand = messages.c.brand_id == brand_id
    if where.dedup_key is not None:
        return [[of_brand, messages.c.dedup_key == where.dedup_key]]
    if where.send_id is not None:
        return [[messages.c.send_id == where.send_id]]
    if where.campaign_id is not None:
        send_ids = await _sends_of(connection, where.campaign_id)
        return [[messages.c.send_id == send_id] for send_id in send_ids]
    if where.recipients is not None:
        return [[of_brand, messages.c.recipient == each] for each in where.recipients]
    if where.person_id is not None:
        return [[of_brand, messages.c.person_id == where.person_id]]
    if where.reason is not None:
        return [[of_brand, HAS_REASON, messages.c.failure_reason == where.reason]]
    return [[of_brand, *condition] for condition in _by_status(where)]


def _by_status(where: MessageFilter) -> list[_Conditions]:
    """Where nothing else narrows the list down: by status, else by kind or channel."""
    if where.status in _ENDED_UNSENT:
        return [[ENDED_UNSENT, messages.c.status == where.status]]
    if where.status is MessageStatus.UNKNOWN:
        return [[UNKNOWN]]
    if where.one_off:
        return [[ONE_OFF]]
    channels = list(Channel) if where.channel is None else [where.channel]
    return [[messages.c.channel == channel] for channel in channels]


async def _sends_of(connection: Connection, campaign_id: str) -> list[str]:
    rows = await connection.execute(select(sends.c.id).where(sends.c.campaign_id == campaign_id))
    return [row.id for row in rows.all]


def _select(part: _Conditions, where: MessageFilter, after: str | None, limit: int) -> Select[Any]:
    statement = select(*MESSAGE).where(*part, *_beside(part, where))
    if after is not None:
        statement = statement.where(messages.c.id < after)
    if where.created_after is not None:
        statement = statement.where(
            messages.c.id >= first_id_at(where.created_after - CLOCK_SKEW),
            messages.c.created_at >= where.created_after,
        )
    if where.created_before is not None:
        statement = statement.where(
            messages.c.id < first_id_at(where.created_before + CLOCK_SKEW),
            messages.c.created_at < where.created_before,
        )
    return statement.order_by(messages.c.id.desc()).limit(limit)


def _beside(part: _Conditions, where: MessageFilter) -> list[ColumnElement[bool]]:
    """All filters of columns, as expressions: no index but that of the part is of use to them."""
    wanted: dict[str, Collection[str] | None] = {
        "person_id": _one(where.person_id),
        "recipient": where.recipients,
        "send_id": _one(where.send_id),
        "channel": _one(where.channel),
        "failure_reason": _one(where.reason),
        "status": UNSTARTED if where.status in UNSTARTED else _one(where.status),
    }
    conditions: list[ColumnElement[bool]] = [
        _expression(name).in_([str(value) for value in values])
        for name, values in wanted.items()
        if values is not None
    ]
    if where.one_off and not any(condition is ONE_OFF for condition in part):
        conditions += [_expression(name).is_(None) for name in ("send_id", "enrollment_id")]
    return conditions


def _expression(column: str) -> ColumnElement[str]:
    return type_coerce(messages.c[column], Text()).concat("")


def _one(value: str | None) -> tuple[str] | None:
    return None if value is None else (value,)
