"""Sends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, insert, literal_column, select, true, update

from server.domain.lifecycle import MessageStatus, SendStatus
from storage.records import CancelCounts, Counters, Message, Send
from storage.signals import AUDIENCES, PROGRESS
from storage.signals import messages as messages_topic
from storage.sql import retries
from storage.sql.connection import Connection, record_values
from storage.sql.counters import Changes, complete, lock_sends, locking_sends, recount
from storage.sql.dialects import Kind
from storage.sql.tables import COUNTERS, messages, sends

# Written out, since a partial index is used only for a condition the planner can see.
_SENDING = sends.c.status == literal_column("'sending'")
_GIVE_BACK = (
    update(messages)
    # Held rows are few, and have an index; the send must not be looked up by its own, since its rows may be millions.
    .where(messages.c.lease_expires_at.is_not(None), messages.c.send_id.concat("") == bindparam("of_send"))
    .where(messages.c.status == MessageStatus.LEASED)
    .values(status=MessageStatus.PENDING, lease_expires_at=None)
)


class SqlSends:
    """See `storage.deliveries.Sends`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, send: Send) -> None:
        values = record_values(send)
        del values["counters"]
        await self._connection.execute(insert(sends), values | dict.fromkeys(("total", *COUNTERS), 0))
        self._connection.fire(PROGRESS)
        if not send.audience_done:
            self._connection.fire(AUDIENCES)

    async def find(self, send_id: str, *, lock: bool = False) -> Send | None:
        statement = locking_sends(sends.c.id == send_id, columns=sends.c) if lock else select(sends).where(sends.c.id == send_id)
        row = (await self._connection.execute(statement)).first
        return _read(row) if row else None

    async def find_many(self, send_ids: Sequence[str]) -> dict[str, Send]:
        wanted = self._connection.dialect.row_set("wanted", id=Kind.TEXT)
        statement = select(sends).where(sends.c.id.in_(select(wanted.c.id)))
        ids = self._connection.dialect.row_set_parameters(wanted, [(send_id,) for send_id in send_ids])
        return {row.id: _read(row) for row in (await self._connection.execute(statement, ids)).all}

    async def list_page(self, campaign_id: str, after: str | None, limit: int) -> list[Send]:
        statement = select(sends).where(sends.c.campaign_id == campaign_id).order_by(sends.c.id.desc()).limit(limit)
        if after is not None:
            statement = statement.where(sends.c.id < after)
        return [_read(row) for row in (await self._connection.execute(statement)).all]

    async def list_resolving(self, limit: int) -> list[str]:
        statement = select(sends.c.id).where(_SENDING, ~sends.c.audience_done).order_by(sends.c.id).limit(limit)
        return [row.id for row in (await self._connection.execute(statement)).all]

    async def advance_audience(self, send_id: str, cursor: str | None, *, done: bool, now: datetime) -> None:
        values: dict[str, object] = {"audience_cursor": cursor} | ({"audience_done": True} if done else {})
        await self._connection.execute(update(sends).where(sends.c.id == send_id).values(values))
        self._connection.fire(PROGRESS)
        if done:
            await complete(self._connection, send_id, now)

    async def cancel_running(self, campaign_id: str, now: datetime) -> list[str]:
        return await self._cancel(sends.c.campaign_id == campaign_id, now)

    async def cancel(self, send_id: str, now: datetime) -> bool:
        return bool(await self._cancel(sends.c.id == send_id, now))

    async def _cancel(self, which: ColumnElement[bool], now: datetime) -> list[str]:
        await lock_sends(self._connection, which)
        stop = update(sends).where(which, _SENDING).values(status=SendStatus.CANCELLED, audience_done=true())
        stopped = sorted(row.id for row in (await self._connection.execute(stop.returning(sends.c.id))).all)
        for send_id in stopped:
            await self._cancel_messages(send_id, now)
            await complete(self._connection, send_id, now)
        return stopped

    async def count_cancelled(self, send_ids: Sequence[str]) -> CancelCounts:
        found = (await self.find_many(send_ids)).values()
        return CancelCounts(
            sent=sum(send.counters.sent for send in found),
            in_flight=sum(send.counters.in_flight for send in found),
            cancelled=sum(send.counters.cancelled for send in found),
        )

    async def pause(self, send_id: str, now: datetime) -> None:
        await lock_sends(self._connection, sends.c.id == send_id)
        stop = update(sends).where(sends.c.id == send_id, _SENDING, sends.c.paused_at.is_(None)).values(paused_at=now)
        if (await self._connection.execute(stop)).count:
            await self._connection.execute(_GIVE_BACK, {"of_send": send_id})
            self._connection.fire(PROGRESS)

    async def resume(self, send_id: str) -> None:
        go_on = update(sends).where(sends.c.id == send_id, sends.c.paused_at.is_not(None)).values(paused_at=None)
        for row in (await self._connection.execute(go_on.returning(sends.c.channel))).all:
            self._connection.fire(PROGRESS)
            self._connection.fire(messages_topic(row.channel))

    async def list_open(self, after: str | None, limit: int) -> list[str]:
        statement = select(sends.c.id).where(sends.c.completed_at.is_(None)).order_by(sends.c.id).limit(limit)
        if after is not None:
            statement = statement.where(sends.c.id > after)
        return [row.id for row in (await self._connection.execute(statement)).all]

    async def mark_retried(
        self, parent_send_id: str, child_send_id: str, unknown: bool, after: str | None, limit: int, now: datetime
    ) -> list[Message]:
        return await retries.mark_retried(self._connection, parent_send_id, child_send_id, unknown, after, limit, now)

    async def count_retryable(self, send_id: str, *, unknown: bool) -> int:
        return await retries.count_retryable(self._connection, send_id, unknown=unknown)

    async def recount(self, send_id: str) -> Counters:
        return await recount(self._connection, send_id)

    async def _cancel_messages(self, send_id: str, now: datetime) -> None:
        unstarted = messages.c.status.in_((MessageStatus.PENDING, MessageStatus.LEASED))
        statement = update(messages).where(messages.c.send_id == send_id, unstarted)
        rows = await self._connection.execute(statement.values(status=MessageStatus.CANCELLED, cancelled_at=now, lease_expires_at=None))
        changes = Changes()
        changes.moved(send_id, MessageStatus.PENDING, MessageStatus.CANCELLED, rows.count)
        await changes.apply(self._connection, now)
        self._connection.fire(PROGRESS)


def _read(row: Row[Any]) -> Send:
    fields = dict(row._mapping)
    counters = Counters(**{name: fields.pop(name) for name in ("total", *COUNTERS)})
    return Send(counters=counters, **fields)
