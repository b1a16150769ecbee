"""What watchers of an inbox are told, and when they stop."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from server.commands.inbox import watch
from server.commands.inbox.owner import Owner
from server.commands.inbox.watch import InboxChange, watch_inbox
from storage.contract.signals import Signals
from storage.contract.signals import inbox as inbox_topic
from storage.model.ids import new_id
from storage.model.inbox import InboxItem
from tests.support.dispatch.stage import BRAND, Stage
from tests.support.storage import made

ANN = Owner(BRAND, "ann")


async def put(stage: Stage, *items: InboxItem) -> None:
    async def insert(tx: Any) -> None:
        for item in items:
            await tx.inbox.insert(item)

    await stage.storage.write(insert)


def item(stage: Stage, **more: Any) -> InboxItem:
    return made.notification(created_at=stage.clock.now(), **more)


async def test_what_is_there_at_first_is_counted_and_not_told(stage: Stage) -> None:
    await put(stage, item(stage), made.notification(created_at=stage.clock.now() - timedelta(1)))
    changes = watch_inbox(stage.storage, stage.clock, ANN, None)
    assert await anext(changes) == InboxChange(2, ())
    new = item(stage)
    await put(stage, new)
    assert await anext(changes) == InboxChange(3, (new,))
    await changes.aclose()


async def test_many_at_once_are_all_told_oldest_first(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PAGE", 2)
    changes = watch_inbox(stage.storage, stage.clock, ANN, None)
    await anext(changes)
    items = [item(stage) for _ in range(5)]
    await put(stage, *items)
    assert await anext(changes) == InboxChange(5, tuple(items))
    await changes.aclose()


async def test_one_that_is_committed_after_one_with_a_higher_id_is_told(stage: Stage) -> None:
    early, late = new_id(), new_id()
    changes = watch_inbox(stage.storage, stage.clock, ANN, None)
    await anext(changes)
    for item_id in (late, early):
        await put(stage, item(stage, id=item_id))
        assert [each.id for each in (await anext(changes)).new_items] == [item_id]
    await changes.aclose()


async def test_what_another_process_puts_there_is_found_without_a_signal(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "POLL_INTERVAL", 0.01)
    deaf: Any = SimpleNamespace(signals=Signals(), read=stage.storage.read)
    changes = watch_inbox(deaf, stage.clock, ANN, None)
    await anext(changes)
    new = item(stage)
    await put(stage, new)
    assert await anext(changes) == InboxChange(1, (new,))
    await changes.aclose()


async def test_a_stream_is_not_silent_for_long(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "POLL_INTERVAL", 0.01)
    changes = watch_inbox(stage.storage, stage.clock, ANN, None)
    first = await anext(changes)
    stage.clock.advance(watch.KEEPALIVE.total_seconds())
    assert await anext(changes) == first
    await changes.aclose()


async def test_it_ends_with_the_token(stage: Stage) -> None:
    until = stage.clock.now() + timedelta(seconds=60)
    changes = watch_inbox(stage.storage, stage.clock, ANN, until)
    await anext(changes)
    await put(stage, item(stage))
    assert (await anext(changes)).unread_count == 1
    stage.clock.advance(60)
    await put(stage, item(stage))
    assert [each async for each in changes] == []


async def test_nobody_is_remembered_who_has_gone_away(stage: Stage) -> None:
    changes = watch_inbox(stage.storage, stage.clock, ANN, None)
    await anext(changes)
    signals: Any = stage.storage.signals
    topic = inbox_topic(BRAND, "ann")
    assert topic in signals._events
    await changes.aclose()
    await put(stage, item(stage))
    assert topic not in signals._events
