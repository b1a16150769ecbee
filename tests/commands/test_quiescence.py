"""A pause or a cancellation is answered when no provider call can begin any more, and not before
that, whoever asks for it and however often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from server.commands.campaigns.cancel import cancel_campaign, cancel_campaign_and_wait
from server.commands.command import Command
from server.commands.sends import quiescence
from server.commands.sends.cancel import cancel_send, cancel_send_and_wait
from server.commands.sends.pause import pause_send, pause_send_and_wait
from server.commands.sends.quiescence import wait_until_quiesced
from server.domain.faces import Face
from storage.contract.storage import Transaction
from storage.model.sends import CancelReceipt, Send
from tests.support.dispatch.stage import Stage

Committing = Callable[[Command[Any]], Awaitable[Any]]


async def pause(stage: Stage, send: Send, commit: Committing) -> Any:
    return await pause_send_and_wait(stage.storage, commit, send.id)


async def cancel(stage: Stage, send: Send, commit: Committing) -> Any:
    return await cancel_send_and_wait(stage.storage, commit, send.id)


async def cancel_all(stage: Stage, send: Send, commit: Committing) -> Any:
    answer, receipt = await cancel_campaign_and_wait(
        stage.storage, commit, stage.caller, Face.COMMS, send.campaign_id
    )
    assert receipt == CancelReceipt(in_flight=1)
    return answer


@pytest.fixture(autouse=True)
def window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than any test: that the wait ends with the call, and not because it took too long."""
    monkeypatch.setattr(quiescence, "START_WINDOW", timedelta(minutes=5))


every_stop = pytest.mark.parametrize("stop", [pause, cancel, cancel_all])


@every_stop
@pytest.mark.parametrize("repeated", [False, True], ids=["first", "under the same key"])
async def test_the_answer_waits_for_the_call_that_is_in_flight(
    stage: Stage, stop: Callable[..., Awaitable[Any]], repeated: bool
) -> None:
    send, _ = await stage.send(1)
    stage.email.hold()
    workers = stage.workers()
    await workers.run_once()
    await stage.email.called(1)
    committed = asyncio.Event()

    async def commit(command: Command[Any]) -> Any:
        answer = await stage.storage.write(lambda tx: command(tx, stage.caller))
        committed.set()
        return answer

    async def keep(_: Command[Any]) -> Any:
        """As for an answer that was kept: it was committed before, and nothing runs now."""
        committed.set()
        return "kept"

    if repeated:
        await stage.storage.write(lambda tx: stopped(tx, stage, send, stop))
    stopping = asyncio.ensure_future(stop(stage, send, keep if repeated else commit))
    await committed.wait()
    assert (await stage.found_send(send)).counters.in_flight == 1
    assert not stopping.done()
    stage.email.let_go()
    await workers.drain()
    answer = await stopping
    assert (answer == "kept") == repeated
    assert (await stage.found_send(send)).counters.in_flight == 0


async def stopped(tx: Transaction, stage: Stage, send: Send, stop: Callable[..., Any]) -> Any:
    """What the use case has committed."""
    if stop is pause:
        return await pause_send(tx, stage.caller, send.id)
    if stop is cancel:
        return await cancel_send(tx, stage.caller, send.id)
    return await cancel_campaign(tx, stage.caller, Face.COMMS, send.campaign_id)


async def test_nothing_is_waited_for_where_nothing_was_stopped(stage: Stage) -> None:
    send, _ = await stage.send(1)
    await stage.storage.write(lambda tx: pause_send(tx, stage.caller, send.id))
    await wait_until_quiesced(stage.storage, [])
    await wait_until_quiesced(stage.storage, [send.id])
