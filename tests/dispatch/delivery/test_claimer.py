"""Whose messages go out first where there are more than can go out at once."""

from __future__ import annotations

from collections import Counter

import pytest

from server.dispatch.delivery import channel_worker as worker_module
from server.dispatch.delivery import claimer as claiming_module
from storage.model.messages import MessageStatus
from tests.support.dispatch.outage import Outage
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.stage import BRAND, OTHER, Stage
from tests.support.dispatch.workers import ChannelWorkers


@pytest.fixture
async def two_brands(stage: Stage) -> Stage:
    await stage.template(brand_id=OTHER)
    return stage


async def seconds_left(stage: Stage, workers: ChannelWorkers) -> float:
    """How long the worker sleeps."""
    due = await workers.next_due()
    assert due is not None
    return (due - stage.clock.now()).total_seconds()


@pytest.mark.parametrize("chunk", [10, 200])
async def test_a_big_send_and_a_small_one_of_another_brand_go_out_side_by_side(
    two_brands: Stage, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "CHUNK", chunk)
    stage = two_brands
    await stage.send(40)
    await stage.send(5, brand_id=OTHER)
    await stage.run(stage.workers())
    first = [envelope.brand_id for envelope in stage.email.calls[:10]]
    assert Counter(first) == {BRAND: 5, OTHER: 5}


async def test_two_sends_of_a_brand_go_out_side_by_side(stage: Stage) -> None:
    await stage.send(40)
    _, small = await stage.send(5)
    await stage.run(stage.workers())
    ids = {message.id for message in small}
    assert sum(envelope.message_id in ids for envelope in stage.email.calls[:10]) == 5


async def test_many_sends_of_a_brand_cost_another_nothing_of_its_half(two_brands: Stage) -> None:
    stage = two_brands
    for _ in range(4):
        await stage.send(10)
    await stage.send(10, brand_id=OTHER)
    await stage.run(stage.workers())
    assert Counter(envelope.brand_id for envelope in stage.email.calls[:20]) == {
        BRAND: 10,
        OTHER: 10,
    }


async def test_with_more_queues_than_a_pass_serves_all_have_their_turn(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming_module, "MOST_QUEUES", 2)
    monkeypatch.setattr(worker_module, "CHUNK", 2)
    sends = [(await stage.send(10))[0] for _ in range(5)]
    provider = ScriptedProvider(max_concurrency=100)
    workers = stage.workers(provider=provider)
    for _ in range(3):
        await workers.marketing.run_once()
    await workers.drain()
    sent = [(await stage.counted(send)).get("sent") for send in sends]
    assert all(sent)


async def test_a_limited_brand_goes_out_at_its_rate_and_holds_up_nobody(two_brands: Stage) -> None:
    stage = two_brands
    await stage.policy(rate_limits={"email": {"per_second": 0.5, "burst": 4}})
    limited, _ = await stage.send(10)
    free, _ = await stage.send(10, brand_id=OTHER)
    workers = stage.workers()
    await stage.run(workers)
    # A quarter of the burst is kept for one-offs.
    assert await stage.counted(limited) == {"total": 10, "sent": 3, "pending": 7}
    assert await stage.counted(free) == {"total": 10, "sent": 10}
    assert await seconds_left(stage, workers) == pytest.approx(2, abs=0.001)
    stage.clock.advance(1.9)
    await stage.run(workers)
    assert (await stage.counted(limited))["sent"] == 3
    stage.clock.advance(0.1)
    await stage.run(workers)
    assert (await stage.counted(limited))["sent"] == 4


async def test_a_limit_on_another_channel_does_not_count(stage: Stage) -> None:
    await stage.policy(rate_limits={"sms": {"per_second": 1.0, "burst": 1}})
    send, _ = await stage.send(5)
    await stage.run(stage.workers())
    assert await stage.counted(send) == {"total": 5, "sent": 5}


async def test_the_rate_of_a_provider_is_shared_by_its_dispatchers_and_survives_them(
    stage: Stage,
) -> None:
    send, _ = await stage.send(40)
    first, second = stage.workers(rate=8), stage.workers(rate=8)
    await stage.run(first)
    await stage.run(second)
    # A burst of a quarter of a second, with one less for sends.
    assert (await stage.counted(send))["sent"] == 1
    stage.clock.advance(1 / 8)
    await stage.crash()
    workers = stage.workers(rate=8)
    await stage.run(workers)
    assert (await stage.counted(send))["sent"] == 2
    assert await seconds_left(stage, workers) == pytest.approx(1 / 8, abs=0.001)


async def test_what_a_limit_grants_and_nobody_needs_is_there_for_the_next(stage: Stage) -> None:
    await stage.policy(rate_limits={"email": {"per_second": 0.001, "burst": 5}})
    workers = stage.workers(rate=20)
    for number in range(5):
        message = await stage.message(f"person-{number}")
        await stage.run(workers)
        assert await stage.status(message) is MessageStatus.SENT
    late = await stage.message("late")
    await stage.run(workers)
    assert await stage.status(late) is MessageStatus.PENDING


async def test_a_one_off_goes_out_at_once_when_a_send_has_used_the_rate(stage: Stage) -> None:
    await stage.send(40)
    workers = stage.workers(rate=20)
    await stage.run(workers)
    assert 0 < len(stage.email.calls) < 40
    message = await stage.message()
    await stage.run(workers)
    assert await stage.status(message) is MessageStatus.SENT


async def test_a_worker_sleeps_while_all_that_is_due_is_limited(stage: Stage) -> None:
    await stage.policy(rate_limits={"email": {"per_second": 0.5, "burst": 1}})
    await stage.send(10)
    workers = stage.workers()
    await stage.run(workers)
    assert len(stage.email.calls) == 1
    assert not await workers.run_once()
    assert await seconds_left(stage, workers) > 0


async def test_an_idle_worker_reads_once_before_it_sleeps(stage: Stage) -> None:
    outage = Outage(stage.storage)
    stage.storage = outage
    workers = stage.workers()
    later = await stage.message(due_in=60)
    before = outage.reads
    assert not await workers.transactional.run_once()
    assert await workers.transactional.next_due() == later.due_at
    assert outage.reads == before + 1


async def test_a_brand_that_has_used_up_its_bytes_waits_and_holds_up_nobody(
    two_brands: Stage,
) -> None:
    stage = two_brands
    large = await stage.template(body="x" * 500)
    await stage.policy(budgets={"bytes": 10.0})
    greedy = await stage.message("first", template_revision=large.revision)
    workers = stage.workers()
    await stage.run(workers)
    assert await stage.status(greedy) is MessageStatus.SENT
    held = await stage.message("second", template_revision=large.revision)
    free, _ = await stage.send(5, brand_id=OTHER)
    await stage.run(workers)
    assert await stage.status(held) is MessageStatus.PENDING
    assert await stage.counted(free) == {"total": 5, "sent": 5}
    # 500 bytes and a subject, at ten a second, of which the burst takes ten seconds.
    stage.clock.advance(39)
    await stage.run(workers)
    assert await stage.status(held) is MessageStatus.PENDING
    stage.clock.advance(5)
    await stage.run(workers)
    assert await stage.status(held) is MessageStatus.SENT
