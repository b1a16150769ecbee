"""How long to wait before trying again."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.retry import FIRST_DELAY, LONGEST_DELAY, MAX_ATTEMPTS, delay_before_next


class Fixed(Random):
    """Chance that always falls the same."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    def random(self) -> float:
        return self._value


@given(st.integers(1, MAX_ATTEMPTS), st.integers())
def test_the_delay_is_between_half_of_its_ceiling_and_all_of_it(attempts: int, seed: int) -> None:
    ceiling = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempts - 1))
    assert ceiling / 2 <= delay_before_next(attempts, Random(seed)).total_seconds() <= ceiling  # noqa: S311


def test_the_delay_doubles_up_to_its_limit() -> None:
    delays = [delay_before_next(attempts, Fixed(0)).total_seconds() for attempts in range(1, 12)]
    assert delays == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800]


def test_messages_that_failed_together_come_back_apart() -> None:
    random = Random(1)  # noqa: S311
    assert len({delay_before_next(3, random) for _ in range(100)}) > 90


@pytest.mark.parametrize(("retry_after", "seconds"), [(None, 5), (0.0, 5), (-10.0, 5), (4.0, 5), (60.0, 60), (86_400.0, 86_400)])
def test_a_provider_that_says_when_is_not_asked_before(retry_after: float | None, seconds: float) -> None:
    assert delay_before_next(1, Fixed(0), retry_after).total_seconds() == seconds


def test_the_attempts_take_about_as_long_as_is_said() -> None:
    longest = sum(delay_before_next(attempts, Fixed(0)).total_seconds() for attempts in range(1, MAX_ATTEMPTS))
    assert 162 * 60 <= longest <= 163 * 60
