"""How long to wait before trying again, and how often."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.delivery.retry import (
    LONGEST_RETRY_AFTER,
    RETRY_POLICIES,
    ErrorClass,
    delay_before_next,
    may_try_again,
)

DAY = 86_400.0


class Fixed(Random):
    """Chance that always falls the same."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    def random(self) -> float:
        return self._value


def delays(error: ErrorClass, chance: float = 0.0) -> list[float]:
    """Seconds between the attempts of a message that ends with the same error each time."""
    return [
        delay_before_next(error, made, Fixed(chance)).total_seconds()
        for made in range(1, RETRY_POLICIES[error].max_attempts)
    ]


@given(st.sampled_from(ErrorClass), st.integers(1, 10_000), st.integers())
def test_the_delay_is_between_half_of_its_ceiling_and_all_of_it(
    error: ErrorClass, attempts: int, seed: int
) -> None:
    policy = RETRY_POLICIES[error]
    ceiling = min(
        policy.longest_delay.total_seconds(),
        policy.first_delay.total_seconds() * 2 ** min(attempts - 1, 20),
    )
    assert (
        ceiling / 2 <= delay_before_next(error, attempts, Random(seed)).total_seconds() <= ceiling  # noqa: S311
    )


def test_the_delay_doubles_up_to_its_limit() -> None:
    assert delays(ErrorClass.UNREACHABLE)[:11] == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900]


def test_messages_that_failed_together_come_back_apart() -> None:
    random = Random(1)  # noqa: S311
    assert len({delay_before_next(ErrorClass.UNREACHABLE, 3, random) for _ in range(100)}) > 90


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (None, 5),
        (0.0, 5),
        (-10.0, 5),
        (4.0, 5),
        (60.0, 60),
        (DAY, DAY),
        (DAY + 1, DAY),
        (1e300, DAY),
        (float("inf"), DAY),
        (float("nan"), 5),
    ],
)
def test_a_provider_that_says_when_is_not_asked_before_nor_parks_a_message_over_a_day(
    retry_after: float | None, seconds: float
) -> None:
    assert (
        delay_before_next(ErrorClass.UNREACHABLE, 1, Fixed(0), retry_after).total_seconds()
        == seconds
    )
    assert timedelta(days=1) == LONGEST_RETRY_AFTER


@pytest.mark.parametrize("error", ErrorClass)
def test_a_message_has_as_many_calls_as_the_class_of_its_last_error_allows(
    error: ErrorClass,
) -> None:
    most = RETRY_POLICIES[error].max_attempts
    assert may_try_again(error, most - 1)
    assert not may_try_again(error, most)


@pytest.mark.parametrize(
    ("error", "least", "most"),
    [
        (ErrorClass.UNREACHABLE, 93, 187),
        (ErrorClass.THROTTLED, 186, 373),
        (ErrorClass.DEFERRED, 301, 604),
        (ErrorClass.AMBIGUOUS, 40, 81),
    ],
)
def test_trying_takes_about_as_many_minutes_as_the_table_says(
    error: ErrorClass, least: int, most: int
) -> None:
    assert least * 60 <= sum(delays(error, 1.0)) <= sum(delays(error, 0.0)) <= most * 60
