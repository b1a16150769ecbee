"""A message to one person does not wait behind a campaign."""

from __future__ import annotations

import pytest

from server.dispatch.delivery.concurrency import ConcurrencyLimit
from storage.model.messages import MessageStatus, Purpose
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.stage import Stage


async def test_a_one_off_goes_out_while_a_send_makes_every_call_it_may(stage: Stage) -> None:
    provider = ScriptedProvider(max_concurrency=4)
    workers = stage.workers(provider=provider)
    send, _ = await stage.send(50)
    provider.hold()
    while await workers.run_once():
        pass
    assert (await stage.counted(send))["in_flight"] == 3
    message = await stage.message()
    assert await workers.run_once()
    await provider.called(4)
    assert provider.addresses()[-1] == message.recipient
    provider.let_go()
    await stage.run(workers)
    assert await stage.status(message) is MessageStatus.SENT


async def test_one_offs_may_make_all_calls(stage: Stage) -> None:
    provider = ScriptedProvider(max_concurrency=4)
    await stage.messages(6)
    workers = stage.workers(provider=provider)
    provider.hold()
    while await workers.run_once():
        pass
    await provider.called(4)
    provider.let_go()
    await stage.run(workers)
    assert provider.most == 4


async def test_the_rows_of_a_send_that_wait_for_room_are_not_in_the_way_of_a_one_off(
    stage: Stage,
) -> None:
    provider = ScriptedProvider(max_concurrency=2)
    workers = stage.workers(provider=provider)
    _, waiting = await stage.send(20)
    provider.hold()
    await workers.run_once()
    assert [await stage.status(message) for message in waiting].count(MessageStatus.LEASED) == 19
    message = await stage.message()
    await workers.run_once()
    await provider.called(2)
    assert provider.addresses()[1] == message.recipient
    provider.let_go()
    await stage.run(workers)


@pytest.mark.parametrize(("total", "for_sends"), [(1, 1), (2, 1), (3, 2), (4, 3), (8, 6), (64, 48)])
def test_a_quarter_of_the_calls_and_at_least_one_is_for_one_offs_alone(
    total: int, for_sends: int
) -> None:
    limit = ConcurrencyLimit(total)
    assert available(limit) == (for_sends, total)
    limit.acquire(Purpose.MARKETING, for_sends, now=0)
    assert available(limit) == (0, total - for_sends)
    limit.acquire(Purpose.TRANSACTIONAL, total - for_sends, now=0)
    limit.release(Purpose.MARKETING, 1)
    assert available(limit) == (1, 1)


def available(limit: ConcurrencyLimit) -> tuple[int, int]:
    """To marketing, and to transactional messages."""
    return limit.available(Purpose.MARKETING), limit.available(Purpose.TRANSACTIONAL)


def test_what_one_offs_use_is_not_there_for_sends() -> None:
    limit = ConcurrencyLimit(4)
    limit.acquire(Purpose.TRANSACTIONAL, 3, now=0)
    assert limit.available(Purpose.MARKETING) == 1
    limit.acquire(Purpose.TRANSACTIONAL, 1, now=0)
    assert limit.available(Purpose.MARKETING) == 0


async def test_rows_that_wait_too_long_for_room_are_given_back(stage: Stage) -> None:
    provider = ScriptedProvider(max_concurrency=1)
    _, messages = await stage.send(5)
    workers = stage.workers(provider=provider)
    provider.hold()
    await workers.run_once()
    await provider.called(1)
    due = await workers.next_due()
    assert due is not None
    stage.clock.advance((due - stage.clock.now()).total_seconds())
    assert not await workers.run_once()
    statuses = [await stage.status(message) for message in messages]
    assert (statuses.count(MessageStatus.SENDING), statuses.count(MessageStatus.PENDING)) == (1, 4)
    assert await workers.next_due() is None
    provider.let_go()
    await stage.run(workers)
    assert len(provider.calls) == 5


async def test_a_stuck_provider_leaves_the_rows_of_its_channel_to_others(stage: Stage) -> None:
    stuck = ScriptedProvider(max_concurrency=1)
    _, messages = await stage.send(5)
    first = stage.workers(provider=stuck)
    stuck.hold()
    await first.run_once()
    await stuck.called(1)
    stage.clock.advance(6)
    await first.run_once()
    await stage.run(stage.workers())
    assert len(stage.email.calls) == 4
    stuck.let_go()
    await stage.run(first)
    assert {await stage.status(message) for message in messages} == {MessageStatus.SENT}
