"""Counts the messages and recipients of sends: counters change here and nowhere else, in the
transaction that changes the rows, by the rows it changed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import bindparam, case, exists, func, select, update

from storage.contract.errors import StorageError
from storage.contract.signals import PROGRESS
from storage.model.campaigns import CampaignStatus
from storage.model.messages import MessageStatus
from storage.model.programs import RecipientOutcome
from storage.model.sends import Counters, Recipients, SendStatus
from storage.sql.connection import Connection
from storage.sql.dialects.types import Instant
from storage.sql.schema.campaigns import campaigns
from storage.sql.schema.given_recipients import given_recipients
from storage.sql.schema.messages import messages
from storage.sql.schema.programs import enrollments
from storage.sql.schema.sends import COUNTERS, RECIPIENTS, sends

_COLUMN = {status: status.value for status in MessageStatus} | {
    MessageStatus.LEASED: "pending",
    MessageStatus.SENDING: "in_flight",
}

_ADDED = ("total", *COUNTERS, *(f"recipients_{name}" for name in RECIPIENTS))
_ADD = (
    update(sends)
    .where(sends.c.id == bindparam("send_id"))
    .values({name: sends.c[name] + bindparam(f"add_{name}") for name in _ADDED})
    .returning(sends.c.status, sends.c.pending, sends.c.in_flight, sends.c.audience_done)
)
_NOW = bindparam("now", type_=Instant())
_COMPLETE = (
    update(sends)
    .where(
        sends.c.id == bindparam("send_id"), sends.c.audience_done, sends.c.completed_at.is_(None)
    )
    .where(sends.c.pending == 0, sends.c.in_flight == 0)
    .values(
        status=case(
            (sends.c.status == SendStatus.SENDING, SendStatus.COMPLETED), else_=sends.c.status
        ),
        completed_at=_NOW,
    )
    .returning(sends.c.campaign_id, sends.c.status)
)
_other = sends.alias("other")
_COMPLETE_CAMPAIGN = (
    update(campaigns)
    .where(
        campaigns.c.id == bindparam("campaign_id"),
        campaigns.c.status == CampaignStatus.SENDING,
        ~exists().where(
            _other.c.campaign_id == campaigns.c.id, _other.c.status == SendStatus.SENDING
        ),
    )
    .values(status=CampaignStatus.SENT, sent_at=_NOW, updated_at=_NOW)
)


class Changes:
    """What happened to rows of sends in one operation, to be added to the counters at its end."""

    def __init__(self) -> None:
        self._by_send: dict[str, Counter[str]] = {}

    def added(self, send_id: str | None, status: MessageStatus, count: int = 1) -> None:
        """Counts new rows; those of no send are not counted anywhere."""
        if send_id is not None:
            columns = self._by_send.setdefault(send_id, Counter())
            columns["total"] += count
            columns[_COLUMN[status]] += count

    def moved(
        self, send_id: str | None, before: MessageStatus, after: MessageStatus, count: int = 1
    ) -> None:
        """Counts rows that went from one status to another."""
        if send_id is not None:
            columns = self._by_send.setdefault(send_id, Counter())
            columns[_COLUMN[before]] -= count
            columns[_COLUMN[after]] += count

    def recipients_added(self, send_id: str, outcome: RecipientOutcome, count: int) -> None:
        """Counts new recipients of a send that enrolls."""
        self._by_send.setdefault(send_id, Counter())[f"recipients_{outcome}"] += count

    def recipients_moved(
        self, send_id: str, before: RecipientOutcome, after: RecipientOutcome, count: int
    ) -> None:
        """Counts recipients of whom something else has become."""
        self.recipients_added(send_id, before, -count)
        self.recipients_added(send_id, after, count)

    async def apply(self, connection: Connection, now: datetime) -> None:
        """Adds what was counted, in the order of ids, and completes the sends that are done.

        Raises StorageError for new rows of a send that does not exist or is not sending: they would
        never be counted, or go out after a cancel.
        """
        for send_id, columns in sorted(self._by_send.items()):
            if not any(columns.values()):
                continue
            parameters = {f"add_{name}": columns[name] for name in _ADDED}
            row = next(iter(await connection.fetch(_ADD, {"send_id": send_id, **parameters})), None)
            if row is None or (columns["total"] and row[0] != SendStatus.SENDING):
                raise StorageError("messages were given to a send that does not exist or is over")
            _, pending, in_flight, audience_done = row
            connection.fire(PROGRESS)
            if audience_done and not pending and not in_flight:
                await complete(connection, send_id, now)


async def complete(connection: Connection, send_id: str, now: datetime) -> None:
    """Completes the send if its audience is done and nothing is pending or in flight; its campaign
    with it, unless it was cancelled."""
    row = (await connection.execute(_COMPLETE, {"send_id": send_id, "now": now})).first
    if row is None:
        return
    connection.fire(PROGRESS)
    if row.status == SendStatus.COMPLETED:
        await connection.execute(_COMPLETE_CAMPAIGN, {"campaign_id": row.campaign_id, "now": now})


async def recount(connection: Connection, send_id: str) -> Counters:
    """See `Sends.recount`."""
    statement = (
        select(messages.c.status, func.count().label("rows"))
        .where(messages.c.send_id == send_id)
        .group_by(messages.c.status)
    )
    counted: Counter[str] = Counter()
    for row in (await connection.execute(statement)).all:
        counted[_COLUMN[row.status]] += row.rows
    counted["pending"] += await count_waiting(connection, send_id)
    return Counters(total=counted.total(), **counted)


async def recount_recipients(connection: Connection, send_id: str) -> Recipients:
    """See `Sends.recount_recipients`."""
    enrolled = (
        select(enrollments.c.outcome, func.count().label("people"))
        .join(
            sends,
            # Found along the index of programs.
            (sends.c.campaign_id == enrollments.c.program_id) & (sends.c.id == send_id),
        )
        .where(enrollments.c.send_id == send_id)
        .group_by(enrollments.c.outcome)
    )
    counted = Counter(
        {row.outcome.value: row.people for row in (await connection.execute(enrolled)).all}
    )
    skipped = select(func.count().label("people")).where(
        messages.c.send_id == send_id,
        messages.c.enrollment_id.is_(None),
        exists().where(sends.c.id == send_id, sends.c.enrolls),
    )
    counted[RecipientOutcome.SKIPPED.value] += (await connection.execute(skipped)).all[0].people
    enrolling = select(sends.c.id).where(sends.c.id == send_id, sends.c.enrolls)
    if (await connection.execute(enrolling)).first is not None:
        counted[RecipientOutcome.PENDING.value] += await count_waiting(connection, send_id)
    return Recipients(**{name: counted[name] for name in RECIPIENTS})


async def count_waiting(connection: Connection, send_id: str) -> int:
    """How many recipients of the send wait to be begun with."""
    waiting = select(func.coalesce(func.sum(given_recipients.c.count), 0).label("waiting"))
    rows = await connection.execute(waiting.where(given_recipients.c.send_id == send_id))
    return int(rows.all[0].waiting)
