"""Sends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import insert, literal_column, select, update

from storage.contract.signals import AUDIENCES, PROGRESS
from storage.contract.signals import messages as messages_topic
from storage.model.audiences import GivenRecipient
from storage.model.channels import Channel
from storage.model.messages import Message, MessageStatus
from storage.model.sends import CancelReceipt, Counters, Recipients, Send
from storage.sql.connection import Connection, record_values
from storage.sql.delivery import cancellations, given, retries
from storage.sql.delivery.claims import leased_of
from storage.sql.delivery.counters import complete, recount, recount_recipients
from storage.sql.delivery.locks import lock_sends, locking_sends
from storage.sql.delivery.send_records import read_send
from storage.sql.dialects.dialect import ColumnKind
from storage.sql.schema.messages import messages
from storage.sql.schema.sends import COUNTERS, sends

# Written out, since a partial index is used only for a condition the planner can see.
_SENDING = sends.c.status == literal_column("'sending'")


class SqlSends:
    """See `storage.contract.sends.Sends`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, send: Send) -> None:
        values = record_values(send)
        del values["counters"], values["recipients"], values["receipt"]
        await self._connection.execute(
            insert(sends), values | dict.fromkeys(("total", *COUNTERS), 0)
        )
        self._connection.fire(PROGRESS)
        if not send.audience_done:
            self._connection.fire(AUDIENCES)

    async def find(self, send_id: str, *, lock: bool = False) -> Send | None:
        statement = (
            locking_sends(sends.c.id == send_id, columns=sends.c)
            if lock
            else select(sends).where(sends.c.id == send_id)
        )
        row = (await self._connection.execute(statement)).first
        return read_send(row) if row else None

    async def find_many(self, send_ids: Sequence[str]) -> dict[str, Send]:
        wanted = self._connection.dialect.row_set("wanted", id=ColumnKind.TEXT)
        statement = select(sends).where(sends.c.id.in_(select(wanted.c.id)))
        ids = self._connection.dialect.row_set_parameters(
            wanted, [(send_id,) for send_id in send_ids]
        )
        return {
            row.id: read_send(row) for row in (await self._connection.execute(statement, ids)).all
        }

    async def list_page(self, campaign_id: str, after: str | None, limit: int) -> list[Send]:
        statement = (
            select(sends)
            .where(sends.c.campaign_id == campaign_id)
            .order_by(sends.c.id.desc())
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(sends.c.id < after)
        return [read_send(row) for row in (await self._connection.execute(statement)).all]

    async def list_resolving(self, limit: int) -> list[str]:
        statement = (
            select(sends.c.id)
            .where(_SENDING, ~sends.c.audience_done)
            .order_by(sends.c.id)
            .limit(limit)
        )
        return [row.id for row in (await self._connection.execute(statement)).all]

    async def advance_audience(
        self, send_id: str, cursor: str | None, *, done: bool, now: datetime
    ) -> None:
        values: dict[str, object] = {"audience_cursor": cursor} | (
            {"audience_done": True} if done else {}
        )
        await self._connection.execute(update(sends).where(sends.c.id == send_id).values(values))
        self._connection.fire(PROGRESS)
        if done:
            await complete(self._connection, send_id, now)

    async def keep_recipients(
        self, send: Send, slices: Iterable[Sequence[GivenRecipient]], now: datetime
    ) -> int:
        return await given.keep(self._connection, send, slices, now)

    async def take_recipients(self, send: Send, now: datetime) -> list[GivenRecipient]:
        return await given.take(self._connection, send, now)

    async def cancel_running(self, campaign_id: str, now: datetime) -> dict[str, CancelReceipt]:
        return await cancellations.cancel_sends(
            self._connection, sends.c.campaign_id == campaign_id, now
        )

    async def cancel(self, send_id: str, now: datetime) -> CancelReceipt | None:
        receipts = await cancellations.cancel_sends(self._connection, sends.c.id == send_id, now)
        return receipts.get(send_id)

    async def sweep_cancelled(self, now: datetime, limit: int) -> int:
        return await cancellations.sweep_cancelled(self._connection, now, limit)

    async def change_revision(self, send_id: str, revision: int) -> None:
        change = update(sends).where(sends.c.id == send_id).values(template_revision=revision)
        await self._connection.execute(change)
        await self._give_back(send_id)
        self._connection.fire(PROGRESS)

    async def pause(self, send_id: str, now: datetime) -> None:
        await lock_sends(self._connection, sends.c.id == send_id)
        stop = (
            update(sends)
            .where(sends.c.id == send_id, _SENDING, sends.c.paused_at.is_(None))
            .values(paused_at=now)
        )
        if (await self._connection.execute(stop)).count:
            await self._give_back(send_id)
            self._connection.fire(PROGRESS)

    async def _give_back(self, send_id: str) -> None:
        leased = update(messages).where(leased_of(send_id))
        await self._connection.execute(
            leased.values(status=MessageStatus.PENDING, lease_expires_at=None)
        )

    async def resume(self, send_id: str) -> None:
        go_on = (
            update(sends)
            .where(sends.c.id == send_id, sends.c.paused_at.is_not(None))
            .values(paused_at=None)
        )
        if (await self._connection.execute(go_on)).count:
            self._connection.fire(PROGRESS)
            for channel in Channel:
                self._connection.fire(messages_topic(channel))

    async def list_open(self, after: str | None, limit: int) -> list[str]:
        statement = (
            select(sends.c.id)
            .where(sends.c.completed_at.is_(None))
            .order_by(sends.c.id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(sends.c.id > after)
        return [row.id for row in (await self._connection.execute(statement)).all]

    async def mark_retried(
        self,
        parent_send_id: str,
        child_send_id: str,
        unknown: bool,
        after: str | None,
        limit: int,
        now: datetime,
    ) -> list[Message]:
        return await retries.mark_retried(
            self._connection, parent_send_id, child_send_id, unknown, after, limit, now
        )

    async def count_retryable(self, send_id: str, *, unknown: bool) -> int:
        return await retries.count_retryable(self._connection, send_id, unknown=unknown)

    async def recount(self, send_id: str) -> Counters:
        return await recount(self._connection, send_id)

    async def recount_recipients(self, send_id: str) -> Recipients:
        return await recount_recipients(self._connection, send_id)
