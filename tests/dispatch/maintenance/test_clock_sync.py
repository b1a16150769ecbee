"""Processes that share a database go by its clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server.dispatch.maintenance.clock_sync import ClockSync
from server.domain.clock import LONGEST_ROUND_TRIP, DatabaseClock, steady_seconds
from tests.support.clocks import NOON
from tests.support.dispatch.outage import Outage
from tests.support.dispatch.stage import Stage


class Steady:
    """A clock that nobody sets, and the database at the other end of a round trip."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.round_trip = 0.0
        self.theirs = NOON

    def __call__(self) -> float:
        return self.seconds

    async def read(self) -> datetime:
        self.seconds += self.round_trip
        return self.theirs


async def test_the_clock_is_the_databases_and_goes_on_by_itself() -> None:
    steady = Steady()
    clock = DatabaseClock(steady)
    await clock.measure(steady.read)
    assert clock.now() == NOON
    steady.seconds += 5
    assert clock.now() == NOON + timedelta(seconds=5)


async def test_half_of_the_round_trip_has_passed_since_the_database_answered() -> None:
    steady = Steady()
    steady.round_trip = 0.5
    clock = DatabaseClock(steady)
    await clock.measure(steady.read)
    assert clock.now() == NOON + timedelta(seconds=0.25)


async def test_a_measurement_that_took_long_does_not_replace_a_better_one() -> None:
    steady = Steady()
    clock = DatabaseClock(steady)
    await clock.measure(steady.read)
    steady.round_trip, steady.theirs = LONGEST_ROUND_TRIP + 0.1, NOON + timedelta(hours=1)
    await clock.measure(steady.read)
    assert clock.now() == NOON + timedelta(seconds=LONGEST_ROUND_TRIP + 0.1)
    steady.round_trip = LONGEST_ROUND_TRIP
    await clock.measure(steady.read)
    assert clock.now() == NOON + timedelta(hours=1, seconds=LONGEST_ROUND_TRIP / 2)


async def test_even_a_bad_first_measurement_is_better_than_none() -> None:
    steady = Steady()
    steady.round_trip = 10.0
    clock = DatabaseClock(steady)
    await clock.measure(steady.read)
    assert clock.now() == NOON + timedelta(seconds=5)


def test_before_any_measurement_it_is_the_machines_clock() -> None:
    before = datetime.now(UTC)
    assert before <= DatabaseClock().now() <= datetime.now(UTC)


def test_the_steady_clock_does_not_go_back() -> None:
    assert steady_seconds() <= steady_seconds()


async def test_while_the_database_is_away_the_last_measurement_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    steady = Steady()
    clock, outage = DatabaseClock(steady), Outage(stage.storage)
    keeper = ClockSync(outage, clock)
    assert not await keeper.run_once()
    measured = clock.now()
    assert abs(measured - datetime.now(UTC)) < timedelta(minutes=1)
    outage.down = True
    assert not await keeper.run_once()
    steady.seconds += 1
    assert clock.now() == measured + timedelta(seconds=1)
    assert "the last measurement goes on" in caplog.text
