"""Messages: adding, reading and cancelling them. What is done to many at once is in modules of
their own, to which this delegates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import Executable, bindparam, case, select, text, update

from storage.contract.signals import messages as messages_topic
from storage.contract.signals import outcome
from storage.model.deliveries import Queue, Recovery, Settlement
from storage.model.messages import (
    UNSTARTED,
    Accepted,
    Attempt,
    Handling,
    Message,
    MessageFilter,
    MessageStatus,
    Resolution,
    UnknownMessage,
)
from storage.model.sends import ReasonCount
from storage.sql.aggregates import message_lists, reasons
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.delivery import (
    audience_insert,
    batch_insert,
    claims,
    expiry,
    pruning,
    queues,
    recovery,
    resolutions,
    settlements,
)
from storage.sql.delivery.counters import Changes
from storage.sql.delivery.enrollments import lock_enrollments
from storage.sql.delivery.locks import lock_sends
from storage.sql.delivery.steps import ended, go_on
from storage.sql.delivery.transitions import cancelled
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.schema.messages import MESSAGE, attempts, messages
from storage.sql.schema.programs import enrollments
from storage.sql.schema.sends import sends

# Built once: SQLAlchemy takes longer to build and recognise a statement than SQLite to run it.
_FIND = select(*MESSAGE).where(messages.c.id == bindparam("message_id"))
_FIND_BY_DEDUP_KEY = select(*MESSAGE).where(
    messages.c.brand_id == bindparam("brand"), messages.c.dedup_key == bindparam("key")
)
_LAST_PROVIDER = (
    select(attempts.c.provider)
    .where(attempts.c.message_id == bindparam("message_id"))
    .order_by(attempts.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_FIND_PROVIDER = select(
    # A row keeps the provider of its last mark, also if it was given back without a call.
    case(
        (messages.c.status == MessageStatus.SENDING, messages.c.provider), else_=_LAST_PROVIDER
    ).label("provider")
).where(messages.c.id == bindparam("message_id"))

_FIND_HANDLING = select(
    *(messages.c[name] for name in ("accepted_by", "claimed_at", "provider", "sending_at"))
).where(messages.c.id == bindparam("message_id"))


class SqlMessages:
    """See `storage.contract.messages.Messages`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert_many(self, messages: Iterable[Message]) -> int:
        return await audience_insert.insert(self._connection, messages)

    async def insert_unless_duplicate(
        self, message: Message, accepted: Accepted | None = None
    ) -> bool:
        values = record_values(message)
        if accepted is not None:
            values |= accepted._asdict()
        if not (
            await self._connection.execute(
                _insert_unless_duplicate(self._connection.dialect), values
            )
        ).count:
            return False
        if message.status is MessageStatus.PENDING:
            self._connection.fire(messages_topic(message.channel))
        changes = Changes()
        changes.added(message.send_id, message.status)
        await changes.apply(self._connection, message.created_at)
        return True

    async def insert_one_offs(
        self, messages: Sequence[Message], accepted: Sequence[Accepted] = ()
    ) -> set[str]:
        return await batch_insert.insert(self._connection, messages, accepted)

    async def find_accepted(self, message_id: str) -> tuple[Message, Accepted] | None:
        statement = select(messages.c.accepted_by, messages.c.request_id).where(
            messages.c.id == message_id
        )
        row = (await self._connection.execute(statement)).first
        message = await self.find(message_id)
        if row is None or row.accepted_by is None or message is None:
            return None
        return message, Accepted(row.accepted_by, row.request_id)

    async def find(self, message_id: str) -> Message | None:
        row = (await self._connection.execute(_FIND, {"message_id": message_id})).first
        return read_record(Message, row) if row else None

    async def find_by_dedup_key(self, brand_id: str, dedup_key: str) -> Message | None:
        row = (
            await self._connection.execute(
                _FIND_BY_DEDUP_KEY, {"brand": brand_id, "key": dedup_key}
            )
        ).first
        return read_record(Message, row) if row else None

    async def find_by_dedup_keys(
        self, brand_id: str, dedup_keys: Sequence[str]
    ) -> dict[str, Message]:
        if not dedup_keys:
            return {}
        dialect = self._connection.dialect
        given, statement = _find_by_dedup_keys(dialect)
        keys = dialect.row_set_parameters(given, [(key,) for key in dict.fromkeys(dedup_keys)])
        rows = await self._connection.execute(statement, {**keys, "brand": brand_id})
        found = (read_record(Message, row) for row in rows.all)
        return {message.dedup_key: message for message in found if message.dedup_key}

    async def list_page(
        self, brand_id: str, where: MessageFilter, after: str | None, limit: int
    ) -> list[Message]:
        return await message_lists.list_page(self._connection, brand_id, where, after, limit)

    async def find_provider(self, message_id: str) -> str | None:
        row = (await self._connection.execute(_FIND_PROVIDER, {"message_id": message_id})).first
        provider: str | None = row.provider if row else None
        return provider

    async def find_handling(self, message_id: str) -> Handling | None:
        row = (await self._connection.execute(_FIND_HANDLING, {"message_id": message_id})).first
        return read_record(Handling, row) if row else None

    async def count_by_reason(self, send_id: str) -> list[ReasonCount]:
        return await reasons.count_by_reason(self._connection, send_id)

    async def cancel(self, message_id: str, now: datetime) -> bool:
        of = select(messages.c.send_id).where(messages.c.id == message_id).scalar_subquery()
        await lock_sends(self._connection, sends.c.id == of)
        of = select(messages.c.enrollment_id).where(messages.c.id == message_id).scalar_subquery()
        await lock_enrollments(self._connection, enrollments.c.id == of)
        statement = update(messages).where(
            messages.c.id == message_id, messages.c.status.in_(UNSTARTED)
        )
        names = ("send_id", "status", "failure_reason", "enrollment_id", "step")
        statement = statement.values(cancelled(now)).returning(
            *(messages.c[name] for name in names)
        )
        row = (await self._connection.execute(statement)).first
        if row is None:
            return False
        changes = Changes()
        changes.moved(row.send_id, MessageStatus.PENDING, row.status)
        if row.send_id is None:
            self._connection.fire(outcome(message_id))
        await go_on(self._connection, [ended(row)], changes, now)
        await changes.apply(self._connection, now)
        return True

    async def list_attempts(self, message_id: str, after: str | None, limit: int) -> list[Attempt]:
        statement = (
            select(attempts)
            .where(attempts.c.message_id == message_id)
            .order_by(attempts.c.id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(attempts.c.id > after)
        return [
            read_record(Attempt, row) for row in (await self._connection.execute(statement)).all
        ]

    async def list_queues(self, channel: str) -> list[Queue]:
        return await queues.list_queues(self._connection, channel)

    async def claim(
        self, queue: Queue, now: datetime, lease_until: datetime, limit: int
    ) -> list[Message]:
        return await claims.claim(self._connection, queue, now, lease_until, limit)

    async def readdress(self, claimed: Message, recipient: str) -> None:
        await claims.readdress(self._connection, claimed, recipient)

    async def mark_sending(
        self, claimed: Sequence[Message], provider: str, now: datetime, lease_until: datetime
    ) -> set[str]:
        return await claims.mark_sending(self._connection, claimed, provider, now, lease_until)

    async def expire(self, now: datetime, limit: int) -> int:
        return await expiry.expire(self._connection, now, limit)

    async def next_expiry(self) -> datetime | None:
        return await expiry.next_expiry(self._connection)

    async def settle(self, settlements_: Sequence[Settlement], now: datetime) -> set[str]:
        return await settlements.settle(self._connection, settlements_, now)

    async def recover(
        self,
        now: datetime,
        *,
        everything: bool,
        key_windows: Mapping[str, timedelta],
        max_attempts: int,
    ) -> Recovery:
        return await recovery.recover(
            self._connection,
            now,
            everything=everything,
            key_windows=key_windows,
            max_attempts=max_attempts,
        )

    async def list_unknown(
        self, brand_id: str, send_id: str | None, after: str | None, limit: int
    ) -> list[UnknownMessage]:
        return await resolutions.list_unknown(self._connection, brand_id, send_id, after, limit)

    async def resolve_unknown(
        self, brand_id: str, message_ids: Sequence[str], resolution: Resolution, now: datetime
    ) -> list[Message]:
        return await resolutions.resolve_unknown(
            self._connection, brand_id, message_ids, resolution, now
        )

    async def prune(
        self, before: datetime, after: str | None, limit: int
    ) -> tuple[int, str | None]:
        return await pruning.prune_messages(self._connection, before, after, limit)


@lru_cache
def _find_by_dedup_keys(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    given = dialect.row_set("given", dedup_key=ColumnKind.TEXT)
    return given, select(*MESSAGE).where(
        messages.c.brand_id == bindparam("brand"),
        # Not a join, for which SQLite reads all messages of the brand.
        messages.c.dedup_key.in_(select(given.c.dedup_key)),
    )


@lru_cache
def _insert_unless_duplicate(dialect: SqlDialect) -> Executable:
    statement: Executable = dialect.insert(messages).on_conflict_do_nothing(
        index_elements=["brand_id", "dedup_key"], index_where=text("dedup_key IS NOT NULL")
    )
    return statement
