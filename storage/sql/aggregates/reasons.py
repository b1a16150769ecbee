"""Messages of a send counted by what became of them."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select

from storage.model.messages import UNSTARTED, MessageStatus
from storage.model.sends import ReasonCount
from storage.sql.aggregates.program_steps import read_steps
from storage.sql.connection import Connection
from storage.sql.delivery.counters import count_waiting
from storage.sql.schema.messages import messages
from storage.sql.schema.sends import sends


async def count_by_reason(connection: Connection, send_id: str) -> list[ReasonCount]:
    """See `Messages.count_by_reason`."""
    names = ("step", "status", "failure_reason", "template_revision")
    shared = [messages.c[name] for name in names]
    statement = (
        select(*shared, (messages.c.attempts == 0).label("untried"), func.count().label("rows"))
        .where(messages.c.send_id == send_id)
        .group_by(*shared, "untried")
    )
    revisions = await _revisions(connection, send_id)
    counts: Counter[tuple[int | None, MessageStatus, str | None, int]] = Counter()
    for row in (await connection.execute(statement)).all:
        is_unstarted, revision = row.status in UNSTARTED, row.template_revision
        if is_unstarted and row.untried:
            revision = revisions.get(row.step, revision)
        status = MessageStatus.PENDING if is_unstarted else row.status
        counts[row.step, status, row.failure_reason, revision] += row.rows
    # Those who wait get their first message, which has the least step there is.
    if waiting := await count_waiting(connection, send_id):
        first = await _first_step(connection, send_id)
        counts[first, MessageStatus.PENDING, None, revisions[first]] += waiting
    found = (
        ReasonCount(
            step=step, status=status, reason=reason, template_revision=revision, count=count
        )
        for (step, status, reason, revision), count in counts.items()
    )
    return sorted(found, key=_order)


async def _first_step(connection: Connection, send_id: str) -> int | None:
    """Of a send that enrolls; None for any other."""
    columns = (sends.c.campaign_id, sends.c.enrolls)
    send = (await connection.execute(select(*columns).where(sends.c.id == send_id))).all[0]
    if not send.enrolls:
        return None
    steps = (await read_steps(connection, [send.campaign_id]))[send.campaign_id]
    return min(each.position for each in steps)


async def _revisions(connection: Connection, send_id: str) -> dict[int | None, int]:
    """By step, the revision that a row which had no attempt takes when it is claimed; None for a
    row that is of no step."""
    columns = (sends.c.campaign_id, sends.c.template_revision)
    send = (await connection.execute(select(*columns).where(sends.c.id == send_id))).first
    if send is None:
        return {}
    steps = (await read_steps(connection, [send.campaign_id]))[send.campaign_id]
    of_steps: dict[int | None, int] = {each.position: each.template_revision for each in steps}
    return of_steps | {None: send.template_revision}


def _order(each: ReasonCount) -> tuple[int, str, str, int]:
    return each.step or 0, each.status, each.reason or "", each.template_revision
