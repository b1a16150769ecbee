"""What fields may hold, at their edges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.errors import FieldViolation, ValidationFailed
from server.domain.validation import (
    CLOCK_SKEW,
    LATEST_YEARS,
    OBJECT_BYTES,
    OBJECT_DEPTH,
    Checks,
    has_control_characters,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
Check = Callable[[Checks], None]


def violations(check: Check) -> list[FieldViolation]:
    checks = Checks()
    check(checks)
    try:
        checks.finish()
    except ValidationFailed as refused:
        return list(refused.violations)
    return []


def refusal(check: Check) -> str | None:
    found = violations(check)
    assert [violation.field for violation in found] in ([], ["f"])
    return found[0].message if found else None


@pytest.mark.parametrize("value", ["a", "a" * 10, "ä ö", " a "])
def test_a_line_that_may_be(value: str) -> None:
    assert refusal(lambda checks: checks.line("f", value, 10)) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "is required"),
        (" \t", "is required"),
        ("a" * 11, "must be at most 10 characters"),
        ("a\nb", "must not contain line breaks or control characters"),
        ("a\x00", "must not contain line breaks or control characters"),
        ("a\x7f", "must not contain line breaks or control characters"),
    ],
)
def test_a_line_that_may_not_be(value: str, message: str) -> None:
    assert refusal(lambda checks: checks.line("f", value, 10)) == message


def test_a_line_that_is_not_required_may_be_empty() -> None:
    assert refusal(lambda checks: checks.line("f", "", 10, required=False)) is None


@pytest.mark.parametrize(
    "value", [{}, {"a": None, "b": [1, 1.5, True, "x", {}]}, {"a": "ä" * 1000}, {"": ""}]
)
def test_an_object_that_may_be(value: dict[str, object]) -> None:
    assert refusal(lambda checks: checks.json_object("f", value)) is None


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_an_object_holds_finite_numbers(number: float) -> None:
    assert (
        refusal(lambda checks: checks.json_object("f", {"a": [{"b": number}]}))
        == "must hold only finite numbers and no NUL character"
    )


@pytest.mark.parametrize(
    "value", [{"a": "\x00"}, {"\x00": 1}, {"a": [["\x00"]]}, {"a": {"b\x00": 1}}]
)
def test_an_object_holds_no_nul(value: dict[str, object]) -> None:
    assert (
        refusal(lambda checks: checks.json_object("f", value))
        == "must hold only finite numbers and no NUL character"
    )


def test_an_object_is_not_too_deep() -> None:
    value: dict[str, object] = {}
    for _ in range(OBJECT_DEPTH - 1):
        value = {"a": value}
    assert refusal(lambda checks: checks.json_object("f", value)) is None
    assert (
        refusal(lambda checks: checks.json_object("f", {"a": value}))
        == f"must not be nested deeper than {OBJECT_DEPTH}"
    )
    lists: list[object] = []
    for _ in range(100_000):
        lists = [lists]
    assert (
        refusal(lambda checks: checks.json_object("f", {"a": lists}))
        == f"must not be nested deeper than {OBJECT_DEPTH}"
    )


def test_the_size_of_an_object_is_counted_in_bytes() -> None:
    frame = len('{"a": ""}')
    assert (
        refusal(lambda checks: checks.json_object("f", {"a": "x" * (OBJECT_BYTES - frame)})) is None
    )
    assert (
        refusal(lambda checks: checks.json_object("f", {"a": "x" * (OBJECT_BYTES - frame + 1)}))
        == "must be at most 65536 bytes as JSON"
    )
    assert (
        refusal(lambda checks: checks.json_object("f", {"a": "€" * (OBJECT_BYTES // 3)}))
        is not None
    )


@pytest.mark.parametrize(
    "at", [NOW - CLOCK_SKEW, NOW, NOW + LATEST_YEARS, NOW.astimezone(timezone(timedelta(hours=9)))]
)
def test_an_instant_that_may_be(at: datetime) -> None:
    assert refusal(lambda checks: checks.schedule_time("f", at, NOW)) is None


def test_an_instant_in_the_past_or_too_far_ahead_is_refused() -> None:
    assert (
        refusal(lambda checks: checks.schedule_time("f", NOW - CLOCK_SKEW - MICROSECOND, NOW))
        == "must not be in the past"
    )
    assert (
        refusal(lambda checks: checks.schedule_time("f", NOW + LATEST_YEARS + MICROSECOND, NOW))
        == "must be within ten years"
    )


@pytest.mark.parametrize("zone", ["UTC", "Europe/Lisbon", "America/Argentina/Buenos_Aires"])
def test_a_time_zone_that_may_be(zone: str) -> None:
    assert refusal(lambda checks: checks.time_zone("f", zone)) is None


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "Nowhere/City",
        "Europe",
        "Europe/",
        "../../etc/passwd",
        "/etc/passwd",
        "a\x00b",
        "\ud800",
        "x" * 5000,
    ],
)
def test_a_time_zone_that_may_not_be(zone: str) -> None:
    assert (
        refusal(lambda checks: checks.time_zone("f", zone))
        == "must be an IANA time zone such as Europe/Lisbon"
    )


@given(st.text())
def test_no_time_zone_is_an_error_of_ours(zone: str) -> None:
    refusal(lambda checks: checks.time_zone("f", zone))


@given(st.text())
def test_control_characters_are_found_wherever_they_are(text: str) -> None:
    assert has_control_characters(text) == any(
        ord(character) < 32 or ord(character) == 127 for character in text
    )


def test_everything_that_is_wrong_is_said_at_once() -> None:
    def check(checks: Checks) -> None:
        checks.line("a", "", 10)
        checks.attempt(lambda: violate("b"))
        checks.require(False, "c", "is wrong")
        checks.require(True, "d", "is right")

    assert [violation.field for violation in violations(check)] == ["a", "b", "c"]


def violate(field: str) -> None:
    raise ValidationFailed.of(field, "is wrong")


def test_no_refusal_repeats_what_was_sent() -> None:
    secret = "ann@example.com"

    def check(checks: Checks) -> None:
        checks.line("f", secret * 2, 10)
        checks.json_object("f", {secret: float("nan")})
        checks.time_zone("f", secret)

    found = violations(check)
    assert len(found) == 3
    assert not [violation for violation in found if secret in violation.message]
