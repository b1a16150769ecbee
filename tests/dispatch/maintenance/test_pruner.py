"""What ended long ago leaves by itself, a little at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.dispatch.maintenance import pruner
from server.dispatch.maintenance.pruner import BATCH, INTERVAL, PAUSE, Pruner
from storage.model.idempotency import IdempotencyRecord
from storage.model.messages import MessageFilter, MessageStatus
from tests.support.dispatch.stage import Stage
from tests.support.storage import made

DAY = timedelta(days=1)
SENT = MessageStatus.SENT


async def old(stage: Stage, count: int, days: float = 91) -> None:
    """One-offs that ended so many days ago."""
    then = stage.clock.now() - days * DAY
    rows = [
        made.message(status=SENT, scheduled_at=then, due_at=then, created_at=then)
        for _ in range(count)
    ]
    await stage.storage.write(lambda tx: tx.messages.insert_many(rows))


async def answer(stage: Stage, key: str, days: float) -> None:
    record = made.idempotency_record(key, created_at=stage.clock.now() - days * DAY)
    await stage.storage.write(lambda tx: tx.idempotency.insert(record))


async def found(stage: Stage, key: str) -> IdempotencyRecord | None:
    return await stage.storage.read(lambda tx: tx.idempotency.find("brand/send", key))


async def kept(stage: Stage) -> int:
    return len(
        await stage.storage.read(
            lambda tx: tx.messages.list_page(made.BRAND, MessageFilter(), None, 10_000)
        )
    )


async def passes(stage: Stage, loop: Pruner) -> int:
    """Passes, as the loop asks for them, until it asks for none before tomorrow; how many."""
    count, tomorrow = 0, stage.clock.now() + INTERVAL / 2
    while (due := await loop.next_due()) is not None and due < tomorrow:
        stage.clock.advance((due - stage.clock.now()).total_seconds())
        assert not await loop.run_once()
        count += 1
    return count


async def test_a_dispatcher_prunes_when_it_starts_and_then_once_a_day(stage: Stage) -> None:
    loop = Pruner(stage.storage, stage.clock, 90)
    await old(stage, 2)
    await old(stage, 1, days=89.5)
    await passes(stage, loop)
    assert await kept(stage) == 1
    stage.clock.advance(INTERVAL.total_seconds() / 2)
    await old(stage, 1)
    assert not await loop.run_once()
    assert await kept(stage) == 2
    stage.clock.advance(INTERVAL.total_seconds() / 2)
    await passes(stage, loop)
    assert await kept(stage) == 0


async def test_one_pass_looks_at_one_batch_and_the_next_comes_after_a_pause(stage: Stage) -> None:
    loop = Pruner(stage.storage, stage.clock, 90)
    await old(stage, BATCH + 1)
    await loop.run_once()
    assert await kept(stage) == 1
    assert await loop.next_due() == stage.clock.now() + PAUSE
    await loop.run_once()
    assert await kept(stage) == 1
    stage.clock.advance(PAUSE.total_seconds())
    await loop.run_once()
    assert await kept(stage) == 0


async def test_with_0_days_every_message_is_kept(stage: Stage) -> None:
    await old(stage, 1, days=20_000)
    await passes(stage, Pruner(stage.storage, stage.clock, 0))
    assert await kept(stage) == 1


async def test_answers_to_idempotency_keys_leave_after_a_week_whatever_is_kept_of_messages(
    stage: Stage,
) -> None:
    await answer(stage, "old", 7.01)
    await answer(stage, "young", 6.99)
    await passes(stage, Pruner(stage.storage, stage.clock, 0))
    assert await found(stage, "old") is None
    assert await found(stage, "young") is not None


async def test_what_providers_reported_leaves_with_the_messages(stage: Stage) -> None:
    for event_id, days in (("old", 91), ("young", 89)):
        record = made.email_event(event_id, received_at=stage.clock.now() - days * DAY)
        await stage.storage.write(lambda tx, record=record: tx.email_events.insert(record))  # type: ignore[misc]

    async def events() -> list[str]:
        found = await stage.storage.read(
            lambda tx: tx.email_events.list_of_message(made.BRAND, ["theirs"], 9)
        )
        return [each.id for each in found]

    await passes(stage, Pruner(stage.storage, stage.clock, 0))
    assert await events() == ["old", "young"]
    await passes(stage, Pruner(stage.storage, stage.clock, 90))
    assert await events() == ["young"]


async def test_answers_leave_a_batch_at_a_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruner, "BATCH", 2)
    for number in range(3):
        await answer(stage, f"key-{number}", 8)
    loop = Pruner(stage.storage, stage.clock, 0)
    await loop.run_once()
    assert await found(stage, "key-0") is None
    assert await found(stage, "key-2") is not None
    await passes(stage, loop)
    assert await found(stage, "key-2") is None
