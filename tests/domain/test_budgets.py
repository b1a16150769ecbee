"""A rate and a burst, counted in memory."""

from __future__ import annotations

import pytest

from server.domain.budgets import Meter


def used(meter: Meter, amount: float, rate: float, now: float) -> bool:
    """Uses the amount if it may be used."""
    if meter.wait("brand", amount, rate, now):
        return False
    meter.use("brand", amount, rate, now)
    return True


def test_a_burst_passes_then_the_rate() -> None:
    meter = Meter(1.0)
    assert [used(meter, 1, 4, 0.0) for _ in range(6)] == [True] * 4 + [False] * 2
    assert meter.wait("brand", 1, 4, 0.0) == pytest.approx(0.25)
    assert [used(meter, 1, 4, 0.5) for _ in range(3)] == [True, True, False]
    assert [used(meter, 1, 4, 99.0) for _ in range(5)] == [True] * 4 + [False]


def test_a_rate_below_one_of_the_burst_passes_one_at_a_time() -> None:
    meter = Meter(1.0)
    assert [used(meter, 1, 0.5, at) for at in (0.0, 1.0, 2.0, 3.0, 4.0)] == [
        True, False, True, False, True
    ]  # fmt: skip


def test_what_is_larger_than_the_burst_passes_and_is_paid_off_first() -> None:
    meter = Meter(10.0)
    assert used(meter, 500, 10, 0.0)
    assert meter.wait("brand", 1, 10, 0.0) == pytest.approx(40.1)
    assert not used(meter, 1, 10, 40.0)
    assert used(meter, 1, 10, 41.0)


def test_keys_do_not_share() -> None:
    meter = Meter(1.0)
    assert used(meter, 1, 1, 0.0)
    assert not meter.wait("other", 1, 1, 0.0)


def test_what_has_been_paid_off_is_forgotten_when_there_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.domain.budgets._REMEMBERED", 3)
    meter = Meter(1.0)
    for number in range(50):
        meter.use(f"brand-{number}", 1, 1, 10.0 * number)
    assert len(meter._paid_at) <= 3


def test_fractions_that_do_not_add_up_exactly_pass() -> None:
    meter = Meter(1.0)
    assert [used(meter, 1, 3, 1000.0) for _ in range(4)] == [True] * 3 + [False]
