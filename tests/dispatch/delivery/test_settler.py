"""Results become durable in batches."""

from __future__ import annotations

import asyncio

import pytest

from server.dispatch.delivery import settler as settler_module
from server.dispatch.delivery.settler import Settler
from storage.model.deliveries import Settlement
from storage.model.messages import Message, MessageStatus
from tests.support.dispatch.outage import Outage
from tests.support.dispatch.stage import Stage
from tests.support.storage import made


async def held(stage: Stage, count: int) -> list[Message]:
    await stage.messages(count)
    return await stage.claim("email", count)


def failed(message: Message) -> Settlement:
    return made.settlement(message, MessageStatus.FAILED, MessageStatus.LEASED, reason="a reason")


async def test_results_that_come_together_are_written_together(stage: Stage) -> None:
    messages = await held(stage, 20)
    counted = Outage(stage.storage)
    settler = Settler(counted, stage.clock)
    await asyncio.gather(*(settler.settle([failed(message)]) for message in messages))
    assert counted.writes < 5
    assert {await stage.status(message) for message in messages} == {MessageStatus.FAILED}


async def test_a_result_is_durable_when_settle_returns(stage: Stage) -> None:
    settler = Settler(stage.storage, stage.clock)

    async def settle(message: Message) -> MessageStatus:
        await settler.settle([failed(message)])
        return await stage.status(message)

    assert set(await asyncio.gather(*(settle(message) for message in await held(stage, 10)))) == {
        MessageStatus.FAILED
    }


async def test_who_is_cancelled_while_waiting_loses_no_result(stage: Stage) -> None:
    first, second = await held(stage, 2)
    settler = Settler(stage.storage, stage.clock)
    impatient = asyncio.create_task(settler.settle([failed(first)]))
    await asyncio.sleep(0)
    impatient.cancel()
    await settler.settle([failed(second)])
    assert [await stage.status(message) for message in (first, second)] == [
        MessageStatus.FAILED
    ] * 2


async def test_a_result_that_comes_too_late_is_no_error(stage: Stage) -> None:
    (message,) = await held(stage, 1)
    assert await stage.storage.write(lambda tx: tx.messages.cancel(message.id, stage.clock.now()))
    await Settler(stage.storage, stage.clock).settle([failed(message)])
    assert await stage.status(message) is MessageStatus.CANCELLED


async def test_results_wait_for_those_that_come_soon(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settler_module, "LINGER", 3600.0)
    counted = Outage(stage.storage)
    settler = Settler(counted, stage.clock)
    for writes in range(2):
        first, second = await held(stage, 2)
        waiting = asyncio.create_task(settler.settle([failed(first)], more_soon=True))
        assert await stage.status(second) is MessageStatus.LEASED
        assert counted.writes == writes
        await settler.settle([failed(second)])
        await waiting
        assert counted.writes == writes + 1
        assert [await stage.status(message) for message in (first, second)] == [
            MessageStatus.FAILED
        ] * 2


async def test_a_result_does_not_wait_for_what_never_comes(stage: Stage) -> None:
    (message,) = await held(stage, 1)
    await Settler(stage.storage, stage.clock).settle([failed(message)], more_soon=True)
    assert await stage.status(message) is MessageStatus.FAILED
