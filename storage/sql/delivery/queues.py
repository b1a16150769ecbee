"""Lists the queues of a channel: what waits, for whom to claim."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BindParameter,
    Executable,
    Integer,
    Select,
    TextClause,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    null,
    select,
    union_all,
)

from storage.model.deliveries import Queue
from storage.sql.connection import Connection
from storage.sql.schema.dispatchers import holds
from storage.sql.schema.messages import PENDING_OF_SEND, PENDING_ONE_OFF, PENDING_STEP, messages
from storage.sql.schema.sends import sends

_ON_CHANNEL: BindParameter[str] = bindparam("on_channel")

# Written out, since a partial index is used only for a condition the planner can see.
RUNS = (sends.c.status == literal_column("'sending'")) & sends.c.paused_at.is_(None)
"""The send is neither over nor paused."""


def _list_queues() -> Executable:
    """Looks at one row of an index for each brand and each send, however many wait: the brands by
    jumping from one to the next, once for one-offs and once for steps."""
    due_of_send = (
        select(func.min(messages.c.due_at))
        .where(PENDING_OF_SEND, messages.c.send_id == sends.c.id, messages.c.channel == _ON_CHANNEL)
        .scalar_subquery()
    )
    queues = union_all(
        _queues_of_brands("brands", PENDING_ONE_OFF, steps=0),
        select(sends.c.brand_id, sends.c.id, due_of_send, cast(sends.c.enrolls, Integer)).where(
            RUNS
        ),
        _queues_of_brands("brands_with_steps", PENDING_STEP, steps=1),
    ).subquery("queues")
    return select(queues).where(~exists().where(holds.c.held_at.is_not(None)))


def _queues_of_brands(name: str, waits: TextClause, *, steps: int) -> Select[Any]:
    those = (waits, messages.c.channel == _ON_CHANNEL)
    brands = (
        select(func.min(messages.c.brand_id).label("brand_id"))
        .where(*those)
        .cte(name, recursive=True)
    )
    next_brand = (
        select(func.min(messages.c.brand_id))
        .where(*those, messages.c.brand_id > brands.c.brand_id)
        .scalar_subquery()
    )
    brands = brands.union_all(select(next_brand).where(brands.c.brand_id.is_not(None)))
    due_of_brand = (
        select(func.min(messages.c.due_at))
        .where(*those, messages.c.brand_id == brands.c.brand_id)
        .scalar_subquery()
    )
    return select(
        brands.c.brand_id,
        null().label("send_id"),
        due_of_brand.label("next_due"),
        literal_column(str(steps), Integer()).label("steps"),
    ).where(brands.c.brand_id.is_not(None))


_LIST_QUEUES = _list_queues()


async def list_queues(connection: Connection, channel: str) -> list[Queue]:
    """See `Messages.list_queues`."""
    rows = await connection.fetch(_LIST_QUEUES, {"on_channel": channel})
    return [
        Queue(channel, brand_id, send_id, next_due, steps=bool(steps))
        for brand_id, send_id, next_due, steps in rows
        if next_due is not None
    ]
