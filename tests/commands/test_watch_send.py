"""What watchers of sends are told, what their looks cost, and when they stop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from server.commands.sends import watch
from server.commands.sends.watch import SendWatch
from storage.contract.errors import StorageUnavailable
from storage.contract.signals import PROGRESS
from tests.support.dispatch.outage import Outage
from tests.support.dispatch.stage import Stage


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only signals wake anybody."""
    monkeypatch.setattr(watch, "POLL_INTERVAL", 1000.0)


@pytest.mark.usefixtures("unhurried")
async def test_all_who_watch_share_one_look(stage: Stage) -> None:
    storage = Outage(stage.storage)
    watching = SendWatch(storage, stage.clock)
    sends = [(await stage.send(2))[0] for _ in range(2)]
    streams = [watching.watch(stage.caller, send.id) for send in sends for _ in range(3)]
    # As it is: each for itself, since each has to be allowed to. Then the first look.
    for _ in range(2):
        for stream in streams:
            assert not (await anext(stream)).counters.cancelled
    before = storage.reads
    for send in sends:
        await stage.cancel(send)
    for stream in streams:
        assert [each.counters.cancelled async for each in stream][-1] == 2
    # Each cancel signals once or twice, however many watch.
    assert storage.reads - before <= 2 * len(sends)


@pytest.mark.usefixtures("unhurried")
async def test_a_look_that_fails_ends_those_who_watch_and_nobody_after_them(stage: Stage) -> None:
    storage = Outage(stage.storage)
    watching = SendWatch(storage, stage.clock)
    send, _ = await stage.send()
    streams = [watching.watch(stage.caller, send.id) for _ in range(2)]
    for _ in range(2):
        for stream in streams:
            await anext(stream)
    storage.down = True
    stage.storage.signals.fire([PROGRESS])
    for stream in streams:
        with pytest.raises(StorageUnavailable):
            assert {each.id async for each in stream} == {send.id}
    storage.down = False
    again = watching.watch(stage.caller, send.id)
    assert [(await anext(again)).id for _ in range(2)] == [send.id] * 2
    await again.aclose()


async def test_a_watch_ends_with_the_token(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "POLL_INTERVAL", 0.01)
    watching = SendWatch(stage.storage, stage.clock)
    send, _ = await stage.send()
    until = stage.clock.now() + timedelta(seconds=60)
    principal = replace(stage.caller.principal, expires_at=until)
    stream = watching.watch(replace(stage.caller, principal=principal), send.id)
    await anext(stream)
    stage.clock.advance(60)
    async with asyncio.timeout(30):
        assert {each.id async for each in stream} <= {send.id}


async def test_nobody_looks_for_those_who_have_gone(stage: Stage) -> None:
    watching: Any = SendWatch(stage.storage, stage.clock)
    send, _ = await stage.send()
    streams = [watching.watch(stage.caller, send.id) for _ in range(2)]
    for _ in range(2):
        for stream in streams:
            await anext(stream)
    for stream in streams:
        await stream.aclose()
    assert (watching._looking, watching._watchers) == (None, {})
