"""A provider that is down is left alone, and costs no message an attempt."""

from __future__ import annotations

from datetime import timedelta

from server.channels.provider import Delivery, Outcome
from server.domain.delivery.circuit_breaker import FIRST_COOL_DOWN, THRESHOLD
from server.domain.delivery.retry import ErrorClass
from storage.model.messages import Message, MessageStatus
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.stage import Stage
from tests.support.dispatch.workers import ChannelWorkers

DOWN = Delivery(Outcome.REJECTED, "unreachable", ErrorClass.UNREACHABLE)
SLOW_DOWN = Delivery(Outcome.REJECTED, "throttled", ErrorClass.THROTTLED, retry_after=60.0)


class DownProvider(ScriptedProvider):
    """Answers nobody until it is up."""

    is_up = False

    async def deliver(self, envelope: object) -> Delivery:
        delivery = await super().deliver(envelope)  # type: ignore[arg-type]  # an envelope
        return delivery if self.is_up else DOWN


async def opened(
    stage: Stage, max_concurrency: int = 4
) -> tuple[DownProvider, ChannelWorkers, list[Message]]:
    """A worker whose provider went down, with many messages that are due."""
    provider = DownProvider(max_concurrency=max_concurrency)
    workers = stage.workers(provider=provider)
    messages = await stage.messages(30)
    await stage.run(workers)
    return provider, workers, messages


async def attempts_made(stage: Stage, messages: list[Message]) -> int:
    return sum([(await stage.found(message)).attempts for message in messages])


async def test_an_outage_costs_few_attempts_and_leaves_nothing_claimed(stage: Stage) -> None:
    provider, workers, messages = await opened(stage)
    assert THRESHOLD <= len(provider.calls) < THRESHOLD + provider.max_concurrency
    assert await attempts_made(stage, messages) == len(provider.calls)
    assert {await stage.status(message) for message in messages} == {MessageStatus.PENDING}
    assert not await workers.run_once()
    assert stage.metrics.breakers == [("email", True)]


async def test_a_worker_sleeps_until_the_provider_may_be_tried_again(stage: Stage) -> None:
    provider, workers, _ = await opened(stage)
    due = await workers.next_due()
    assert due is not None
    assert FIRST_COOL_DOWN / 2 <= due - stage.clock.now() <= FIRST_COOL_DOWN
    calls = len(provider.calls)
    stage.clock.advance((due - stage.clock.now()).total_seconds() - 0.001)
    assert not await workers.run_once()
    assert len(provider.calls) == calls


async def test_one_call_at_a_time_finds_out_whether_it_is_up_whatever_waits(stage: Stage) -> None:
    provider, workers, _ = await opened(stage)
    await stage.send(10)
    calls = len(provider.calls)
    stage.clock.advance(FIRST_COOL_DOWN.total_seconds())
    provider.hold()
    while await workers.run_once():
        pass
    await provider.called(calls + 1)
    assert (provider.now, await workers.next_due()) == (1, None)
    provider.let_go()
    await workers.drain()
    assert not await workers.run_once()
    assert len(provider.calls) == calls + 1


async def test_when_it_is_up_again_everything_goes_out(stage: Stage) -> None:
    provider, workers, messages = await opened(stage)
    provider.is_up = True
    stage.clock.advance(60)
    await stage.run(workers)
    assert {await stage.status(message) for message in messages} == {MessageStatus.SENT}
    assert stage.metrics.breakers == [("email", True), ("email", False)]


async def test_another_channel_goes_on(stage: Stage) -> None:
    await opened(stage)
    await stage.template("sms")
    message = await stage.message(channel="sms", recipient="+12025550100")
    await stage.run(stage.workers("sms"))
    assert await stage.status(message) is MessageStatus.SENT


async def test_a_provider_that_asks_for_time_is_not_called_for_anybody_meanwhile(
    stage: Stage,
) -> None:
    first = await stage.message("first")
    stage.email.will(first.recipient, SLOW_DOWN)
    workers = stage.workers()
    await stage.run(workers)
    others = await stage.messages(3)
    await stage.run(workers)
    assert len(stage.email.calls) == 1
    assert await workers.next_due() == stage.clock.now() + timedelta(seconds=60)
    assert await attempts_made(stage, others) == 0
    stage.clock.advance(60)
    await stage.run(workers)
    assert {await stage.status(message) for message in (first, *others)} == {MessageStatus.SENT}


async def test_what_was_claimed_before_it_went_down_is_given_back(stage: Stage) -> None:
    _, _, messages = await opened(stage, max_concurrency=THRESHOLD)
    assert {await stage.status(message) for message in messages} == {MessageStatus.PENDING}
