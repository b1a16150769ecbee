"""Rate limits: so many calls at once, then so many a second, for all who share the limit
together."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from storage.contract.storage import Transaction
from storage.model.rates import RateLimit
from tests.support.storage.made import NOW, SECOND
from tests.support.storage.scene import Scene

MICROSECOND = timedelta(microseconds=1)


def limit(per_second: float = 5.0, burst: int = 5, key: str = "provider/smtp") -> RateLimit:
    return RateLimit(key=key, per_second=per_second, burst=burst)


async def take(scene: Scene, of: RateLimit, wanted: int, now: datetime = NOW) -> int:
    return await scene.storage.write(lambda tx: tx.rates.take(of, wanted, now))


async def next_free(scene: Scene, of: RateLimit, now: datetime = NOW) -> datetime:
    return await scene.storage.read(lambda tx: tx.rates.next_free(of, now))


async def test_after_a_quiet_time_a_burst_is_granted_and_no_more(scene: Scene) -> None:
    assert await take(scene, limit(), 9) == 5
    assert await take(scene, limit(), 1) == 0
    assert await take(scene, limit(), 9, NOW + 3600 * SECOND) == 5


async def test_what_is_wanted_is_granted_and_the_rest_of_the_burst_stays(scene: Scene) -> None:
    assert await take(scene, limit(), 2) == 2
    assert await take(scene, limit(), 2) == 2
    assert await take(scene, limit(), 2) == 1


async def test_what_was_granted_and_is_given_back_is_there_for_others(scene: Scene) -> None:
    async def take_and_give_back(tx: Transaction) -> None:
        assert await tx.rates.take(limit(), 5, NOW) == 5
        await tx.rates.give_back(limit(), 3, NOW)

    await scene.storage.write(take_and_give_back)
    assert await take(scene, limit(), 9) == 3


async def test_giving_back_loses_and_gains_nothing(scene: Scene) -> None:
    of = limit(7.0, 3)

    async def take_and_give_back(tx: Transaction) -> None:
        await tx.rates.give_back(of, await tx.rates.take(of, 3, NOW), NOW)

    for _ in range(10):
        await scene.storage.write(take_and_give_back)
    assert await take(scene, of, 9, NOW + MICROSECOND * 10) == 3


@pytest.mark.parametrize("per_second", [3.0, 7.0, 0.3, 999.9])
async def test_a_burst_is_whole_although_it_is_taken_call_by_call(
    scene: Scene, per_second: float
) -> None:
    of = limit(per_second, 7)
    assert [await take(scene, of, 1) for _ in range(9)] == [1] * 7 + [0] * 2


async def test_nothing_is_taken_by_who_wants_nothing(scene: Scene) -> None:
    assert await take(scene, limit(), 0) == 0
    assert await take(scene, limit(), 9) == 5


async def test_calls_come_back_at_the_rate(scene: Scene) -> None:
    await take(scene, limit(), 5)
    assert await take(scene, limit(), 9, NOW + 0.199 * SECOND) == 0
    assert await take(scene, limit(), 9, NOW + 0.2 * SECOND) == 1
    assert await take(scene, limit(), 9, NOW + 0.8 * SECOND) == 3


async def test_a_limit_may_be_less_than_one_a_second(scene: Scene) -> None:
    slow = limit(0.1, 1)
    assert await take(scene, slow, 2) == 1
    assert await take(scene, slow, 2, NOW + 9.9 * SECOND) == 0
    assert await take(scene, slow, 2, NOW + 10 * SECOND) == 1


async def test_the_next_call_is_free_when_it_is_said_to_be_and_not_before(scene: Scene) -> None:
    third = limit(3.0, 3)
    assert await next_free(scene, third) == NOW
    await take(scene, third, 2)
    assert await next_free(scene, third) == NOW
    await take(scene, third, 1)
    free_at = await next_free(scene, third)
    assert abs(free_at - NOW - SECOND / 3) <= third.burst * MICROSECOND
    assert await take(scene, third, 1, free_at - MICROSECOND) == 0
    assert await take(scene, third, 1, free_at) == 1
    assert await next_free(scene, third, NOW + 3600 * SECOND) == NOW + 3600 * SECOND


async def test_limits_with_different_keys_know_nothing_of_each_other(scene: Scene) -> None:
    assert await take(scene, limit(key="a"), 9) == 5
    assert await take(scene, limit(key="b"), 9) == 5


async def test_a_clock_that_stepped_back_grants_nothing_more(scene: Scene) -> None:
    await take(scene, limit(), 5)
    assert await take(scene, limit(), 5, NOW - 3600 * SECOND) == 0
    assert await take(scene, limit(), 5, NOW + 0.2 * SECOND) == 1


async def test_a_limit_that_is_lowered_holds_at_once(scene: Scene) -> None:
    await take(scene, limit(10.0, 10), 5)
    assert await take(scene, limit(10.0, 2), 9) == 0


async def test_a_limit_survives_a_restart(scene: Scene) -> None:
    await take(scene, limit(), 5)
    await scene.reopen()
    assert await take(scene, limit(), 5) == 0


@pytest.mark.parametrize(("per_second", "burst"), [(3.0, 1), (700.0, 7), (0.3, 2), (9_999.9, 11)])
async def test_in_no_window_is_more_granted_than_the_burst_and_the_rate_allow(
    scene: Scene, per_second: float, burst: int
) -> None:
    """Greedy takers, who come whenever a call is free: what roundings add up to would show. One
    call may be early by a microsecond for each of the burst."""
    of, now, granted = limit(per_second, burst), NOW, list[datetime]()
    for number in range(150):
        granted += [now] * await take(scene, of, 1 + number % 3, now)
        now = await next_free(scene, of, now)
    assert len(granted) >= 150
    for index, first in enumerate(granted):
        for later in range(index, len(granted)):
            window = Fraction((granted[later] - first) // MICROSECOND + burst, 1_000_000)
            assert later - index + 1 <= burst + window * Fraction(per_second)
    elapsed = (granted[-1] - NOW) / SECOND
    assert len(granted) >= elapsed * per_second * 0.98


async def test_takers_at_once_are_granted_no_more_than_one_alone(scene: Scene) -> None:
    of = limit(5.0, 20)
    assert sum(await asyncio.gather(*(take(scene, of, 3) for _ in range(10)))) == 20
    assert sum(await asyncio.gather(*(take(scene, of, 3, NOW + SECOND) for _ in range(10)))) == 5
