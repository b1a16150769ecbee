"""Turns: few at once, fewer of a brand, and nobody waits for another brand's queue."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from server.api.turns import Turns
from server.domain.errors import Overloaded


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.api.turns.WAIT_SECONDS", 0)


@pytest.mark.usefixtures("impatient")
async def test_a_brand_has_its_share_and_no_more_work_than_there_is_room_for() -> None:
    turns = Turns(3, of_a_brand=2)
    async with AsyncExitStack() as held:
        for brand in ("one", "one", "other"):
            await held.enter_async_context(turns.turn(brand))
        for brand in ("one", "other", "third"):
            with pytest.raises(Overloaded):
                await held.enter_async_context(turns.turn(brand))
    async with turns.turn("third"):
        pass


async def test_those_who_wait_for_their_own_brand_hold_up_no_other() -> None:
    turns = Turns(2)

    async def take() -> None:
        async with turns.turn("one"):
            pass

    async with turns.turn("one"):
        waiting = [asyncio.create_task(take()) for _ in range(5)]
        await asyncio.sleep(0)
        async with turns.turn("other"):
            assert not any(task.done() for task in waiting)
    await asyncio.gather(*waiting)


async def test_who_goes_away_while_waiting_or_working_leaves_nothing_behind() -> None:
    turns = Turns(1)

    async def hold() -> None:
        async with turns.turn("one"):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(hold()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    async with turns.turn("one"):
        pass
    assert not turns._calls
    assert not turns._brands
