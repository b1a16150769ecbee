"""All loops together: started, stopped, and not in each other's way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from server.dispatch import dispatcher as dispatcher_module
from server.dispatch.dispatcher import (
    POLL_EXCLUSIVE,
    POLL_HEARD,
    POLL_SHARED,
    POLL_SHARED_MARKETING,
)
from server.dispatch.loop import Loop
from storage.contract.signals import PROGRESS
from storage.contract.signals import messages as messages_topic
from storage.model.messages import Message, MessageStatus
from storage.model.sends import SendStatus
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.stage import Stage


async def until(stage: Stage, holds: Callable[[], Awaitable[bool]], topic: str = PROGRESS) -> None:
    """Returns once it holds; looks again at every signal."""
    with stage.storage.signals.subscribe(topic) as signal:
        while not await holds():
            await signal.wait()
            signal.clear()


async def counted(stage: Stage, messages: list[Message], status: MessageStatus) -> int:
    return [await stage.status(message) for message in messages].count(status)


async def test_everything_goes_out_by_itself(stage: Stage) -> None:
    await stage.template("in_app")
    await stage.template("sms")
    await stage.policy(consent_defaults={"sms": "opt_out"})
    await stage.people(3)
    dispatcher = stage.dispatcher()
    await dispatcher.start()
    assert (dispatcher.ready, stage.email.running, stage.sms.running) == (True, True, True)
    sends = [await stage.publish(channel=channel) for channel in ("email", "sms", "in_app")]
    scheduled = await stage.scheduled()
    for send in sends:
        # The default binds the variable of the loop.
        await until(stage, lambda send=send: completed(stage, send.id))  # type: ignore[misc]
        assert await stage.counted(send) == {"total": 3, "sent": 3}
    await until(stage, lambda: sent(stage, scheduled.id))
    await dispatcher.stop()
    assert (dispatcher.ready, stage.email.running, stage.sms.running) == (False, False, False)


async def completed(stage: Stage, send_id: str) -> bool:
    send = await stage.storage.read(lambda tx: tx.sends.find(send_id))
    return send is not None and send.status is SendStatus.COMPLETED


async def sent(stage: Stage, campaign_id: str) -> bool:
    return (await stage.found_campaign(campaign_id)).status == "sent"


async def test_a_stuck_provider_holds_up_no_other_channel(stage: Stage) -> None:
    await stage.template("sms")
    await stage.policy(consent_defaults={"sms": "opt_out"})
    stage.email.hold()
    stuck, _ = await stage.send(10)
    dispatcher = stage.dispatcher()
    await dispatcher.start()
    await stage.email.called(stage.email.marketing_concurrency)
    other, _ = await stage.send(5, channel="sms")
    await until(stage, lambda: completed(stage, other.id))
    assert (await stage.counted(stuck))["in_flight"] == stage.email.marketing_concurrency
    stage.email.let_go()
    await until(stage, lambda: completed(stage, stuck.id))
    await dispatcher.stop()


async def test_a_stop_gives_back_what_is_claimed_and_finishes_what_is_in_flight(
    stage: Stage,
) -> None:
    send, messages = await stage.send(10)
    stage.email.hold()
    dispatcher = stage.dispatcher()
    await dispatcher.start()
    await stage.email.called(stage.email.marketing_concurrency)
    stopping = asyncio.create_task(dispatcher.stop())
    await until(stage, lambda: nothing_claimed(stage, messages), messages_topic("email"))
    assert not stopping.done()
    assert stage.email.running
    stage.email.let_go()
    await stopping
    assert await stage.counted(send) == {
        "total": 10,
        "sent": stage.email.marketing_concurrency,
        "pending": 10 - stage.email.marketing_concurrency,
    }
    assert len(stage.email.calls) == stage.email.marketing_concurrency
    assert (
        await counted(stage, messages, MessageStatus.PENDING)
        == 10 - stage.email.marketing_concurrency
    )


async def nothing_claimed(stage: Stage, messages: list[Message]) -> bool:
    return not await counted(stage, messages, MessageStatus.LEASED)


async def test_where_others_are_heard_it_looks_seldom_and_else_often(stage: Stage) -> None:
    sleeps: dict[str, Callable[[], float]] = {}

    async def note(
        loop: Loop, signals: object, clock: object, sleep: Callable[[], float], stopping: object
    ) -> None:
        sleeps[loop.name] = sleep

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatcher_module, "run_loop", note)
        dispatcher = stage.dispatcher()
        await dispatcher.start()
        await dispatcher.stop()
    one_offs, marketing = sleeps["email-transactional-worker"], sleeps["email-marketing-worker"]
    asleep = []
    for shared in (False, True):
        stage.storage.signals.share(shared=shared)
        asleep.append((one_offs(), marketing()))
    assert asleep == (
        [(POLL_EXCLUSIVE, POLL_EXCLUSIVE)] * 2
        if stage.storage.exclusive
        else [(POLL_SHARED, POLL_SHARED_MARKETING), (POLL_HEARD, POLL_HEARD)]
    )


async def test_a_stopped_dispatcher_starts_nothing(stage: Stage) -> None:
    dispatcher = stage.dispatcher()
    await dispatcher.start()
    await dispatcher.stop()
    campaign = await stage.scheduled()
    await stage.send(2)
    assert (stage.email.calls, await stage.sends_of(campaign)) == ([], [])


async def test_a_dispatcher_that_is_stopped_before_its_loops_ran_stops(stage: Stage) -> None:
    dispatcher = stage.dispatcher()
    await stage.message()
    await dispatcher.start()
    await dispatcher.stop()
    assert stage.email.now == 0


async def test_the_next_dispatcher_goes_on_where_one_stopped(stage: Stage) -> None:
    send, messages = await stage.send(10)
    stage.email.hold()
    first = stage.dispatcher()
    await first.start()
    await stage.email.called(stage.email.marketing_concurrency)
    stage.email.let_go()
    await first.stop()
    second = stage.dispatcher()
    await second.start()
    await until(stage, lambda: completed(stage, send.id))
    await second.stop()
    assert await stage.counted(send) == {"total": 10, "sent": 10}
    assert sorted(stage.email.addresses()) == sorted(message.recipient for message in messages)


async def test_after_a_crash_a_start_recovers_before_it_is_ready(stage_on_sqlite: Stage) -> None:
    stage = stage_on_sqlite
    send, _ = await stage.send(3)
    stage.email = ScriptedProvider(max_concurrency=1)
    stage.email.hold()
    crashed = stage.dispatcher()
    await crashed.start()
    await stage.email.called(1)
    await stage.crash()
    stage.email = ScriptedProvider()
    dispatcher = stage.dispatcher()
    assert not dispatcher.ready
    await dispatcher.start()
    assert (await stage.counted(send))["unknown"] == 1
    await until(stage, lambda: completed(stage, send.id))
    await dispatcher.stop()
    assert await stage.counted(send) == {"total": 3, "sent": 2, "unknown": 1}
