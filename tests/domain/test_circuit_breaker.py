"""When a provider is left alone, for how long, and how it comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.delivery.circuit_breaker import (
    FIRST_COOL_DOWN,
    LONGEST_COOL_DOWN,
    THRESHOLD,
    Admission,
    Circuit,
    CircuitBreaker,
)
from server.domain.delivery.retry import LONGEST_RETRY_AFTER, ErrorClass

START = datetime(2026, 3, 4, tzinfo=UTC)
FREE = 10
BAD = [ErrorClass.UNREACHABLE, ErrorClass.THROTTLED, ErrorClass.AMBIGUOUS]
GOOD = [None, ErrorClass.DEFERRED]
TICK = timedelta(microseconds=1)


class NoJitter(Random):
    """Chance that takes nothing off."""

    def random(self) -> float:
        return 0.0


class Line:
    """A breaker, the clock it is asked by, and the calls that go on."""

    def __init__(self, random: Random | None = None) -> None:
        self.breaker = CircuitBreaker(random or NoJitter())
        self.now = START

    @property
    def allows(self) -> int:
        return self.breaker.allows(FREE, self.now)

    @property
    def circuit(self) -> Circuit:
        return self.breaker.circuit(self.now)

    def begin(self) -> Admission:
        return self.breaker.begun(self.now)

    def end(
        self, call: Admission, error: ErrorClass | None = None, retry_after: float | None = None
    ) -> None:
        self.breaker.ended(call, error, retry_after, self.now)

    def call(self, error: ErrorClass | None = None, retry_after: float | None = None) -> None:
        self.end(self.begin(), error, retry_after)

    def open(self) -> None:
        for _ in range(THRESHOLD):
            self.call(ErrorClass.UNREACHABLE)

    def wait(self) -> timedelta:
        """Until the breaker says that something changes; how long that was."""
        change = self.breaker.next_change(self.now)
        assert change is not None
        waited, self.now = change - self.now, change
        return waited


def test_every_free_slot_may_be_used_at_first() -> None:
    line = Line()
    assert (line.allows, line.circuit, line.breaker.next_change(line.now)) == (
        FREE,
        Circuit.CLOSED,
        None,
    )
    assert line.breaker.allows(0, line.now) == 0


@pytest.mark.parametrize("error", BAD)
def test_bad_ends_in_a_row_open_it(error: ErrorClass) -> None:
    line = Line()
    for _ in range(THRESHOLD - 1):
        line.call(error)
    assert line.allows == FREE
    line.call(error)
    assert (line.allows, line.circuit) == (0, Circuit.OPEN)


@pytest.mark.parametrize("error", GOOD)
def test_one_good_end_between_them_keeps_it_closed(error: ErrorClass | None) -> None:
    line = Line()
    for bad in [True] * (THRESHOLD - 1) + [False] + [True] * (THRESHOLD - 1):
        line.call(ErrorClass.UNREACHABLE if bad else error)
    assert line.allows == FREE


@pytest.mark.parametrize("error", GOOD)
def test_what_is_about_the_message_alone_never_opens_it(error: ErrorClass | None) -> None:
    line = Line()
    for _ in range(THRESHOLD * 3):
        line.call(error)
    assert line.allows == FREE


def test_after_the_cool_down_one_call_is_a_probe_and_nothing_else_begins_beside_it() -> None:
    line = Line()
    line.open()
    line.now += FIRST_COOL_DOWN - TICK
    assert line.allows == 0
    line.now += TICK
    assert (line.allows, line.circuit) == (1, Circuit.HALF_OPEN)
    line.begin()
    assert (line.allows, line.breaker.next_change(line.now)) == (0, None)


@pytest.mark.parametrize("error", GOOD)
def test_a_probe_that_ends_well_closes_it(error: ErrorClass | None) -> None:
    line = Line()
    line.open()
    line.wait()
    line.call(error)
    assert (line.allows, line.circuit) == (FREE, Circuit.CLOSED)
    for _ in range(THRESHOLD - 1):
        line.call(ErrorClass.UNREACHABLE)
    assert line.allows == FREE
    line.call(ErrorClass.UNREACHABLE)
    assert line.wait() == FIRST_COOL_DOWN


def test_the_cool_down_doubles_with_each_bad_probe_up_to_its_limit() -> None:
    line = Line()
    line.open()
    waited = [line.wait()]
    for _ in range(30):
        line.call(ErrorClass.AMBIGUOUS)
        waited.append(line.wait())
    assert [wait.total_seconds() for wait in waited[:9]] == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert max(waited) == LONGEST_COOL_DOWN


def test_replicas_probe_apart() -> None:
    lines = [Line(Random(seed)) for seed in range(50)]  # noqa: S311
    for line in lines:
        line.open()
    waits = {line.wait() for line in lines}
    assert len(waits) > 40
    assert all(FIRST_COOL_DOWN / 2 <= wait <= FIRST_COOL_DOWN for wait in waits)


def test_calls_from_before_it_opened_neither_prolong_nor_close_it() -> None:
    line = Line()
    others = [line.begin() for _ in range(FREE)]
    line.open()
    line.end(others.pop())
    assert line.circuit is Circuit.OPEN
    for call in others[1:]:
        line.end(call, ErrorClass.UNREACHABLE)
    assert line.wait() == FIRST_COOL_DOWN
    line.end(others[0], ErrorClass.UNREACHABLE)
    assert line.allows == 1


def test_a_call_that_was_let_through_just_before_it_opened_is_no_probe() -> None:
    line = Line()
    line.open()
    late = line.begin()
    line.end(late, ErrorClass.UNREACHABLE)
    assert line.wait() == FIRST_COOL_DOWN
    assert line.allows == 1
    line.end(late)
    assert line.circuit is Circuit.HALF_OPEN


def test_the_first_of_two_probes_decides() -> None:
    line = Line()
    line.open()
    line.wait()
    first, second = line.begin(), line.begin()
    line.end(first)
    line.end(second, ErrorClass.UNREACHABLE)
    assert line.circuit is Circuit.CLOSED


def test_a_provider_that_says_when_is_held_till_then_and_comes_back_whole() -> None:
    line = Line()
    for _ in range(THRESHOLD * 2):
        line.call(ErrorClass.THROTTLED, retry_after=60.0)
    assert (line.allows, line.circuit) == (0, Circuit.CLOSED)
    assert line.wait() == timedelta(seconds=60)
    assert (line.allows, line.breaker.next_change(line.now)) == (FREE, None)


def test_a_probe_that_is_told_to_come_back_later_is_followed_by_another() -> None:
    line = Line()
    line.open()
    line.wait()
    line.call(ErrorClass.THROTTLED, retry_after=30.0)
    assert line.allows == 0
    assert line.wait() == timedelta(seconds=30)
    assert (line.allows, line.circuit) == (1, Circuit.HALF_OPEN)


def test_an_outage_that_says_how_long_it_takes_is_both_held_and_counted() -> None:
    line = Line()
    for _ in range(THRESHOLD):
        line.call(ErrorClass.AMBIGUOUS, retry_after=60.0)
    assert line.circuit is Circuit.OPEN
    assert line.wait() == timedelta(seconds=60)
    assert line.allows == 1


def test_a_hold_is_honoured_whenever_the_call_began() -> None:
    line = Line()
    early = line.begin()
    line.open()
    line.end(early, ErrorClass.THROTTLED, retry_after=60.0)
    assert line.wait() == timedelta(seconds=60)


def test_the_longest_hold_counts_and_none_is_longer_than_a_day() -> None:
    line = Line()
    line.breaker.hold(START + timedelta(seconds=60))
    line.breaker.hold(START + timedelta(seconds=30))
    assert line.wait() == timedelta(seconds=60)
    line.call(ErrorClass.THROTTLED, retry_after=1e12)
    assert line.wait() == LONGEST_RETRY_AFTER
    line.breaker.hold(line.now + timedelta(days=365))
    assert line.allows == 0
    assert line.wait() == LONGEST_RETRY_AFTER


def test_a_clock_that_is_set_back_makes_no_pause_longer() -> None:
    line = Line()
    line.open()
    line.now -= timedelta(days=2)
    assert line.wait() == FIRST_COOL_DOWN
    line.call(ErrorClass.THROTTLED, retry_after=60.0)
    line.now -= timedelta(days=365)
    assert line.wait() == LONGEST_RETRY_AFTER


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.integers(1, FREE)),
        st.tuples(
            st.just("end"),
            st.integers(0, 20),
            st.sampled_from([*BAD, *GOOD]),
            st.sampled_from([None, None, 0.0, 3.0, 400.0]),
        ),
        st.tuples(st.just("pass"), st.floats(0, 400)),
        st.just(("sleep",)),
    ),
    max_size=80,
)


@given(STEPS, st.integers())
def test_whatever_happens_an_open_circuit_lets_nothing_through_and_always_comes_back(
    steps: list[tuple[object, ...]], seed: int
) -> None:
    line = Line(Random(seed))  # noqa: S311
    going: list[Admission] = []
    for step in steps:
        match step:
            case ("begin", int() as count):
                allowed = min(count, line.allows)
                assert allowed in {0, 1, count}
                going += [line.begin() for _ in range(allowed)]
            case ("end", int() as index, error, retry_after) if going:
                # The types are those of STEPS.
                line.end(going.pop(index % len(going)), error, retry_after)  # type: ignore[arg-type]
            case ("pass", float() as seconds):
                line.now += timedelta(seconds=seconds)
            case ("sleep",) if line.breaker.next_change(line.now) is not None:
                assert line.allows == 0
                change = line.breaker.next_change(line.now)
                assert change is not None
                assert (
                    line.now < change <= line.now + max(LONGEST_COOL_DOWN, timedelta(seconds=400))
                )
                line.now = change - TICK
                assert line.allows == 0
                line.now = change
                assert line.allows in {1, FREE} or (line.circuit is Circuit.HALF_OPEN and going)
    # Once every call has ended and the pauses are over, calls may begin; when they end well, as
    # many as may be in progress.
    for call in going:
        line.end(call, ErrorClass.UNREACHABLE)
    while line.breaker.next_change(line.now) is not None:
        line.wait()
    assert line.allows >= 1
    line.call()
    assert line.allows == FREE
