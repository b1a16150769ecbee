"""The law of counters, for the end of every test: those of each send are what its rows say, of
messages and of recipients, and a send is over when nothing is left."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Row, select

from storage.contract.storage import Storage, Transaction
from storage.model.messages import UNSTARTED, MessageStatus
from storage.model.programs import EnrollmentStatus
from storage.model.sends import Counters, Recipients, Send, SendStatus
from storage.sql.schema.messages import messages
from storage.sql.schema.programs import enrollments
from storage.sql.schema.sends import sends
from storage.sql.transaction import SqlTransaction

_OPEN = UNSTARTED | {MessageStatus.SENDING}
_FAILED = {MessageStatus.FAILED, MessageStatus.UNKNOWN}


async def assert_no_drift(storage: Storage) -> None:
    """Recounts every send there is."""
    for send, counted, recipients in await storage.read(_recount_all):
        if not send.pruned:
            assert send.counters == counted, f"send {send.id} has drifted from its rows"
            assert send.recipients == recipients, f"send {send.id} has miscounted its recipients"
        over = send.audience_done and not send.counters.pending and not send.counters.in_flight
        assert over == (send.completed_at is not None), (
            f"send {send.id} is over, or not, but does not say so"
        )
        assert over or send.status is not SendStatus.COMPLETED
        assert not (over and send.recipients.pending), f"send {send.id} waits for nobody"


async def _recount_all(tx: Transaction) -> list[tuple[Send, Counters, Recipients]]:
    # No list of storage has all sends of all brands.
    assert isinstance(tx, SqlTransaction)
    every = await tx.sends.find_many(
        [row.id for row in (await tx._connection.execute(select(sends.c.id))).all]
    )
    return [
        (send, await tx.sends.recount(send.id), await recipients_of(tx, send))
        for send in every.values()
    ]


async def recipients_of(tx: Transaction, send: Send) -> Recipients:
    """What became of the recipients of a send that enrolls, worked out from their messages one by
    one. An enrollment that goes on has the message of its current step, and that has not ended."""
    assert isinstance(tx, SqlTransaction)
    if not send.enrolls:
        return Recipients()
    of_send = (messages.c.enrollment_id, messages.c.step, messages.c.status)
    rows = await tx._connection.execute(select(*of_send).where(messages.c.send_id == send.id))
    by_enrollment: dict[str | None, list[Row[tuple[object, ...]]]] = {}
    for row in rows.all:
        by_enrollment.setdefault(row.enrollment_id, []).append(row)
    counted = Counter({"skipped": len(by_enrollment.pop(None, ()))})
    enrolled = select(enrollments).where(enrollments.c.send_id == send.id)
    for each in (await tx._connection.execute(enrolled)).all:
        theirs = by_enrollment.get(each.id, [])
        if each.status is EnrollmentStatus.ACTIVE and not send.pruned:
            current = [row.status for row in theirs if row.step == each.current_step]
            assert [status in _OPEN for status in current] == [True], each
        counted[outcome_of(each.status, {row.status for row in theirs})] += 1
    return Recipients(**counted)


def outcome_of(status: EnrollmentStatus, of_messages: set[MessageStatus]) -> str:
    """What became of a recipient who is enrolled."""
    if status is EnrollmentStatus.ACTIVE or of_messages & _OPEN:
        return "pending"
    if of_messages & _FAILED:
        return "failed"
    return "sent" if MessageStatus.SENT in of_messages else "skipped"
