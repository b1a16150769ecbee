"""All rows of a database at one moment, and what must be true of them at every moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from storage.contract.storage import Transaction
from storage.model.deliveries import Queue
from storage.model.messages import UNSTARTED, Message, MessageStatus
from storage.model.programs import Enrollment, EnrollmentStatus
from storage.model.sends import Counters, Recipients, Send, SendStatus
from storage.sql.connection import Connection, read_record
from storage.sql.schema.messages import MESSAGE, messages
from storage.sql.schema.programs import enrollments
from storage.sql.schema.sends import sends
from storage.sql.schema.tables import metadata
from storage.sql.transaction import SqlTransaction
from tests.support.drift import outcome_of

CHANNEL = "email"

Dump = dict[str, list[dict[str, object]]]
"""The rows of every table, by its name."""

HELD = frozenset({MessageStatus.LEASED, MessageStatus.SENDING})
OPEN = UNSTARTED | HELD
BEFORE_ITS_TIME = frozenset({EnrollmentStatus.CANCELLED, EnrollmentStatus.STOPPED})
"""How an enrollment can be over while there are steps left."""


@dataclass(frozen=True)
class Sight:
    """What there is."""

    rows: dict[str, Message]
    held_until: dict[str, datetime]
    """When the leases end, of the rows that some worker holds."""
    sends: dict[str, Send]
    enrollments: dict[str, Enrollment]
    queues: frozenset[Queue]
    is_held: bool
    next_expiry: datetime | None

    def of_send(self, send_id: str) -> Iterator[Message]:
        return (row for row in self.rows.values() if row.send_id == send_id)

    def of_enrollment(self, enrollment_id: str) -> Iterator[Message]:
        return (row for row in self.rows.values() if row.enrollment_id == enrollment_id)

    def runs(self, row: Message) -> bool:
        """Whether rows of its send may go out."""
        return row.send_id is None or self.send_runs(self.sends[row.send_id])

    def is_cancelled(self, row: Message) -> bool:
        enrollment = self.enrollments[row.enrollment_id] if row.enrollment_id else None
        if enrollment is not None and enrollment.status in BEFORE_ITS_TIME:
            return True
        return row.send_id is not None and self.sends[row.send_id].status is SendStatus.CANCELLED

    @staticmethod
    def send_runs(send: Send) -> bool:
        return send.status is SendStatus.SENDING and send.paused_at is None

    def assert_lawful(self) -> None:
        """The law of counters, and what queues and expiry say of the rows."""
        for send in self.sends.values():
            counted = self._recount(send.id)
            assert send.pruned or send.counters == counted, f"{send.id} has drifted from its rows"
            recipients = self._recount_recipients(send)
            assert send.pruned or send.recipients == recipients, f"{send.id} miscounts people"
            over = send.audience_done and not send.counters.pending and not send.counters.in_flight
            assert over == (send.completed_at is not None), (
                f"{send.id} is over, or not, but does not say so"
            )
            assert over or send.status is not SendStatus.COMPLETED
            assert not over or send.status is not SendStatus.SENDING
        for enrollment in self.enrollments.values():
            self._assert_has_one_step_to_go(enrollment)
        for row in self.rows.values():
            assert (row.status in HELD) == (row.id in self.held_until)
        assert self.queues == (frozenset() if self.is_held else frozenset(self._queues()))
        stale = (
            row.expire_at
            for row in self.rows.values()
            if row.status is MessageStatus.PENDING and row.expire_at is not None
        )
        assert self.next_expiry == min(stale, default=None)

    def _assert_has_one_step_to_go(self, enrollment: Enrollment) -> None:
        """As long as it is active; and once it is over before its time, nothing that may start."""
        rows = {row.step: row for row in self.of_enrollment(enrollment.id)}
        assert all(step is not None and step <= enrollment.current_step for step in rows)
        if enrollment.status is EnrollmentStatus.ACTIVE:
            assert enrollment.current_step in rows, f"{enrollment.id} has lost its step"
            assert rows[enrollment.current_step].status in OPEN, f"{enrollment.id} does not go on"
        if enrollment.status in BEFORE_ITS_TIME:
            assert not any(
                row.status in UNSTARTED and (row.send_id is None or self.runs(row))
                for row in rows.values()
            ), f"{enrollment.id} is over, but a step of it may start"

    def _recount_recipients(self, send: Send) -> Recipients:
        counted: Counter[str] = Counter()
        for each in self.enrollments.values():
            if each.send_id == send.id:
                became = outcome_of(
                    each.status, {row.status for row in self.of_enrollment(each.id)}
                )
                assert send.pruned or each.outcome == became, f"{each.id} is not {each.outcome}"
                counted[became] += 1
        return Recipients(**counted)

    def _recount(self, send_id: str) -> Counters:
        column = {MessageStatus.LEASED: "pending", MessageStatus.SENDING: "in_flight"}
        counted = Counter(column.get(row.status, row.status.value) for row in self.of_send(send_id))
        return Counters(total=counted.total(), **counted)

    def _queues(self) -> Iterator[Queue]:
        dues: dict[tuple[str, str | None, bool], datetime] = {}
        for row in self.rows.values():
            if row.status is MessageStatus.PENDING and self.runs(row):
                key = row.brand_id, row.send_id, row.enrollment_id is not None
                dues[key] = min(row.due_at, dues.get(key, row.due_at))
        return (
            Queue(CHANNEL, brand, send, due, steps) for (brand, send, steps), due in dues.items()
        )


async def look(tx: Transaction) -> Sight:
    """Reads everything, all at one moment."""
    connection = _connection(tx)
    found = (await connection.execute(select(*MESSAGE, messages.c.lease_expires_at))).all
    names = [column.name for column in MESSAGE]
    rows = [Message(**dict(zip(names, row, strict=False))) for row in found]
    enrolled = (await connection.execute(select(enrollments))).all
    send_ids = [row.id for row in (await connection.execute(select(sends.c.id))).all]
    return Sight(
        rows={row.id: row for row in rows},
        held_until={
            row.id: row.lease_expires_at for row in found if row.lease_expires_at is not None
        },
        sends=await tx.sends.find_many(send_ids) if send_ids else {},
        enrollments={row.id: read_record(Enrollment, row) for row in enrolled},
        queues=frozenset(await tx.messages.list_queues(CHANNEL)),
        is_held=(await tx.dispatchers.find_hold()).held_at is not None,
        next_expiry=await tx.messages.next_expiry(),
    )


async def dump(tx: Transaction) -> Dump:
    """A backup."""
    every = metadata.sorted_tables
    return {
        table.name: [
            dict(row._mapping) for row in (await _connection(tx).execute(select(table))).all
        ]
        for table in every
    }


async def put_back(tx: Transaction, saved: Dump) -> None:
    """Makes the database what it was; of nothing, an empty one."""
    connection = _connection(tx)
    for table in reversed(metadata.sorted_tables):
        await connection.execute(delete(table))
    for table in metadata.sorted_tables:
        if rows := saved.get(table.name):
            await connection.execute(insert(table), rows)


def _connection(tx: Transaction) -> Connection:
    # No method of storage reads or replaces everything.
    assert isinstance(tx, SqlTransaction)
    return tx._connection
