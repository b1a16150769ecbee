"""A message to one person does not wait behind a campaign."""

from __future__ import annotations

import pytest

from server.dispatch.delivery.reserve import Kind
from server.dispatch.delivery.concurrency import Slots
from storage.model.messages import MessageStatus
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.stage import Stage


async def test_a_one_off_goes_out_while_a_send_holds_every_slot_it_may(stage: Stage) -> None:
    provider = ScriptedProvider(slots=4)
    lane = stage.lane(provider=provider)
    send, _ = await stage.send(50)
    provider.hold()
    while await lane.run_once():
        pass
    assert (await stage.counted(send))["in_flight"] == 3
    message = await stage.message()
    assert await lane.run_once()
    await provider.called(4)
    assert provider.addresses()[-1] == message.recipient
    provider.let_go()
    await stage.run(lane)
    assert await stage.status(message) is MessageStatus.SENT


async def test_one_offs_may_use_all_slots(stage: Stage) -> None:
    provider = ScriptedProvider(slots=4)
    await stage.messages(6)
    lane = stage.lane(provider=provider)
    provider.hold()
    while await lane.run_once():
        pass
    await provider.called(4)
    provider.let_go()
    await stage.run(lane)
    assert provider.most == 4


async def test_the_rows_of_a_send_that_wait_for_slots_are_not_in_the_way_of_a_one_off(
    stage: Stage,
) -> None:
    provider = ScriptedProvider(slots=2)
    lane = stage.lane(provider=provider)
    _, waiting = await stage.send(20)
    provider.hold()
    await lane.run_once()
    assert [await stage.status(message) for message in waiting].count(MessageStatus.LEASED) == 19
    message = await stage.message()
    await lane.run_once()
    await provider.called(2)
    assert provider.addresses()[1] == message.recipient
    provider.let_go()
    await stage.run(lane)


@pytest.mark.parametrize(("total", "for_sends"), [(1, 1), (2, 1), (3, 2), (4, 3), (8, 6), (64, 48)])
def test_a_quarter_of_the_slots_and_at_least_one_is_for_one_offs_alone(
    total: int, for_sends: int
) -> None:
    slots = Slots(total)
    assert (slots.free(Kind.SENDS), slots.free(Kind.ONE_OFFS)) == (for_sends, total)
    slots.take(Kind.SENDS, for_sends, now=0)
    assert (slots.free(Kind.SENDS), slots.free(Kind.ONE_OFFS)) == (0, total - for_sends)
    slots.take(Kind.ONE_OFFS, total - for_sends, now=0)
    slots.give_back(Kind.SENDS, 1)
    assert (slots.free(Kind.SENDS), slots.free(Kind.ONE_OFFS)) == (1, 1)


def test_what_one_offs_use_is_not_there_for_sends() -> None:
    slots = Slots(4)
    slots.take(Kind.ONE_OFFS, 3, now=0)
    assert slots.free(Kind.SENDS) == 1
    slots.take(Kind.ONE_OFFS, 1, now=0)
    assert slots.free(Kind.SENDS) == 0


async def test_rows_that_wait_too_long_for_a_slot_are_given_back(stage: Stage) -> None:
    provider = ScriptedProvider(slots=1)
    _, messages = await stage.send(5)
    lane = stage.lane(provider=provider)
    provider.hold()
    await lane.run_once()
    await provider.called(1)
    due = await lane.next_due()
    assert due is not None
    stage.clock.advance((due - stage.clock.now()).total_seconds())
    assert not await lane.run_once()
    statuses = [await stage.status(message) for message in messages]
    assert (statuses.count(MessageStatus.SENDING), statuses.count(MessageStatus.PENDING)) == (1, 4)
    assert await lane.next_due() is None
    provider.let_go()
    await stage.run(lane)
    assert len(provider.calls) == 5


async def test_a_stuck_provider_leaves_the_rows_of_its_channel_to_others(stage: Stage) -> None:
    stuck = ScriptedProvider(slots=1)
    _, messages = await stage.send(5)
    first = stage.lane(provider=stuck)
    stuck.hold()
    await first.run_once()
    await stuck.called(1)
    stage.clock.advance(6)
    await first.run_once()
    await stage.run(stage.lane())
    assert len(stage.email.calls) == 4
    stuck.let_go()
    await stage.run(first)
    assert {await stage.status(message) for message in messages} == {MessageStatus.SENT}
