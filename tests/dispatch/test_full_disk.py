"""While the disk has too little room, nothing new is begun, and what was begun is written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.dispatch.loop import Loop
from server.dispatch.maintenance.while_room import WhileRoom
from storage.model.campaigns import CampaignStatus
from tests.support.dispatch.stage import Stage


class Room:
    """Whether there is any, as a test says."""

    def __init__(self) -> None:
        self.there_is = True

    def __call__(self) -> bool:
        return self.there_is


@pytest.fixture
def room() -> Room:
    return Room()


async def test_what_is_in_flight_is_settled_and_nothing_is_claimed(
    stage: Stage, room: Room
) -> None:
    send, _ = await stage.send(1)
    workers = stage.workers(has_room=room)
    stage.email.hold()
    await workers.run_once()
    await stage.email.called(1)
    room.there_is = False
    _, (waiting,) = await stage.send(1)
    stage.email.let_go()
    await stage.run(workers)
    assert await stage.counted(send) == {"total": 1, "sent": 1}
    assert (await stage.status(waiting), len(stage.email.calls)) == ("pending", 1)
    # Not at once, which would be round and round.
    assert await workers.next_due() == stage.clock.now() + timedelta(seconds=1)
    room.there_is = True
    await stage.run(workers)
    assert (await stage.status(waiting), len(stage.email.calls)) == ("sent", 2)


async def test_the_inbox_gets_nothing_until_there_is_room(stage: Stage, room: Room) -> None:
    await stage.template("in_app")
    message = await stage.message(channel="in_app")
    room.there_is = False
    worker = stage.inbox_worker(has_room=room)
    await stage.run(worker)
    assert (await stage.status(message), await stage.inbox()) == ("pending", [])
    room.there_is = True
    await stage.run(worker)
    assert len(await stage.inbox()) == 1


async def test_campaigns_do_not_start_until_there_is_room(stage: Stage, room: Room) -> None:
    await stage.people(2)
    campaign = await stage.scheduled(due_in=0)
    room.there_is = False
    loop: Loop = WhileRoom(stage.due_campaigns(), stage.clock, room)
    await stage.run(loop)
    assert (await stage.found_campaign(campaign.id)).status is CampaignStatus.SCHEDULED
    assert await loop.next_due() == stage.clock.now() + timedelta(seconds=1)
    room.there_is = True
    await stage.run(loop)
    assert len(await stage.sends_of(campaign)) == 1


async def test_a_dispatcher_begins_nothing_that_adds(stage: Stage, room: Room) -> None:
    room.there_is = False
    loops = stage.dispatcher(has_room=room)._prompt
    stopped = [loop for loop in loops if await loop.next_due() is not None]
    assert [loop.name for loop in stopped] == [loop.name for loop in loops]
