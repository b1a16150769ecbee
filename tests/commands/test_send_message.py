"""Waiting for what becomes of a message that was sent at once. Tests run on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from server.commands.messages.cancel import cancel_message
from server.commands.messages.send import accept_at_once, wait_for_outcome
from server.domain.errors import DedupKeyUsed
from storage.contract.storage import Storage
from storage.model.messages import Message, MessageStatus
from tests.commands.test_dedup_keys import new_message
from tests.support.dispatch.scripted import BUSY, REFUSED
from tests.support.dispatch.stage import Stage

LONG = 3600.0
"""Seconds that no test takes: a wait that ends was woken."""
BEFORE_A_SECOND_TRY = 20.0


async def accept(stage: Stage, **more: object) -> Message:
    new = new_message(stage, **more)
    return await stage.storage.write(lambda tx: accept_at_once(tx, stage.caller, new))


async def wait(
    stage: Stage, message: Message, seconds: float = LONG, storage: Storage | None = None
) -> tuple[str, str | None]:
    seen = await wait_for_outcome(storage or stage.storage, message.id, stage.clock.now(), seconds)
    assert seen is not None
    return seen[0].status.value, seen[1]


async def waiting(
    stage: Stage, message: Message, seconds: float = LONG
) -> asyncio.Task[tuple[str, str | None]]:
    """A wait that has begun."""
    task = asyncio.create_task(wait(stage, message, seconds))
    # Its first look was queued before this one.
    await stage.storage.read(lambda tx: tx.messages.find(message.id))
    return task


async def test_what_a_worker_settles_ends_the_wait(stage: Stage) -> None:
    await stage.template("in_app")
    mailed = await accept(stage)
    shown = await accept(stage, dedup_key="2", channel="in_app", recipient="ann")
    refused = await accept(stage, dedup_key="3", recipient="no@example.com")
    stage.email.will("no@example.com", REFUSED)
    waits = [await waiting(stage, message) for message in (mailed, shown, refused)]
    await stage.run(stage.workers())
    await stage.run(stage.inbox_worker())
    assert await asyncio.gather(*waits) == [
        ("sent", "scripted"),
        ("sent", "in_app"),
        ("failed", "scripted"),
    ]


async def test_a_message_that_is_tried_again_later_is_not_waited_for(stage: Stage) -> None:
    message = await accept(stage)
    stage.email.will("ann@example.com", BUSY)
    begun = await waiting(stage, message, BEFORE_A_SECOND_TRY)
    await stage.run(stage.workers())
    assert await begun == ("pending", "scripted")
    assert await wait(stage, message, BEFORE_A_SECOND_TRY) == ("pending", "scripted")


async def test_a_cancel_and_an_expiry_end_the_wait(stage: Stage) -> None:
    cancelled = await accept(stage)
    begun = await waiting(stage, cancelled)
    await stage.storage.write(lambda tx: cancel_message(tx, stage.caller, cancelled.id))
    assert await begun == ("cancelled", None)
    stale = await accept(stage, dedup_key="2", expire_at=stage.clock.now() + timedelta(seconds=1))
    begun = await waiting(stage, stale)
    now = stage.clock.now() + timedelta(seconds=2)
    assert await stage.storage.write(lambda tx: tx.messages.expire(now, 10)) == 1
    assert await begun == ("expired", None)


async def test_the_wait_is_over_after_its_time(stage: Stage) -> None:
    message = await accept(stage)
    assert await wait(stage, message, 0) == ("pending", None)
    assert await wait(stage, message, 0.01) == ("pending", None)


async def test_a_message_that_is_gone_is_nobodys(stage: Stage) -> None:
    assert await wait_for_outcome(stage.storage, "none", stage.clock.now(), LONG) is None


async def test_what_another_process_settles_ends_the_wait(stage_on_postgres: Stage) -> None:
    stage = stage_on_postgres
    message = await accept(stage)
    theirs = await stage.open()
    begun = asyncio.create_task(wait(stage, message, storage=theirs))
    await stage.run(stage.workers())
    assert await begun == ("sent", "scripted")


async def test_of_many_at_once_under_one_key_one_is_accepted(stage: Stage) -> None:
    answers = await asyncio.gather(
        *(accept(stage, variables={"order": number}) for number in range(8)),
        return_exceptions=True,
    )
    (accepted,) = [answer for answer in answers if isinstance(answer, Message)]
    refused = [answer for answer in answers if isinstance(answer, DedupKeyUsed)]
    assert len(refused) == 7
    assert {each.details["message_id"] for each in refused} == {accepted.id}
    assert await stage.status(accepted) is MessageStatus.PENDING
