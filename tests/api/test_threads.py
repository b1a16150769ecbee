"""Renders of callers: one of a brand at a time, on threads that deliveries do not need."""

from __future__ import annotations

import asyncio
import threading

import pytest

from server.api.threads import RenderThreads
from server.domain.errors import Overloaded


async def test_a_brand_renders_once_at_a_time_though_its_caller_has_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.api.turns.WAIT_SECONDS", 0)
    threads, begun, go_on = RenderThreads(), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow() -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait()

    try:
        caller = asyncio.create_task(threads.render("one", slow))
        await begun.wait()
        caller.cancel()
        await asyncio.wait([caller])
        with pytest.raises(Overloaded):
            await threads.render("one", lambda: "again")
        assert await threads.render("other", lambda: "at once") == "at once"
    finally:
        go_on.set()
    monkeypatch.undo()
    assert await threads.render("one", lambda: "again") == "again"


async def test_callers_render_though_all_threads_of_the_loop_are_taken() -> None:
    loop, go_on = asyncio.get_running_loop(), threading.Event()
    # More than a loop makes threads.
    taken = [loop.run_in_executor(None, go_on.wait) for _ in range(64)]
    try:
        async with asyncio.timeout(30):
            assert await RenderThreads().render("one", lambda: "done") == "done"
    finally:
        go_on.set()
        await asyncio.gather(*taken)


async def test_what_a_render_raises_reaches_its_caller_and_ends_its_turn() -> None:
    threads = RenderThreads()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await threads.render("one", lambda: 1 // 0)
