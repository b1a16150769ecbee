"""What an answer of an HTTP gateway means."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.channels.provider import Delivery, Outcome
from server.channels.webhook.answer import delivery_for, parse_retry_after
from server.domain.delivery.retry import ErrorClass

NOW = datetime(1994, 11, 6, 8, 49, 0, tzinfo=UTC)
ACCEPTED, REJECTED, AMBIGUOUS = Outcome.ACCEPTED, Outcome.REJECTED, Outcome.AMBIGUOUS
FOR_GOOD = None


def meaning(status: int, body: bytes | None = b"", **headers: str) -> Delivery:
    return delivery_for(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, body, NOW
    )


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_an_acceptance(status: int) -> None:
    assert meaning(status) == Delivery(ACCEPTED)


@pytest.mark.parametrize("status", [400, 410, 413, 422, 451])
def test_what_is_about_the_message_is_a_refusal_for_good(status: int) -> None:
    assert meaning(status) == Delivery(REJECTED, f"http_{status}", FOR_GOOD)


@pytest.mark.parametrize(
    "status", [307, 308, 401, 402, 403, 404, 405, 406, 407, 411, 412, 414, 415, 421, 426, 431, 499]
)
def test_a_wrong_url_token_or_account_says_nothing_about_the_message(status: int) -> None:
    assert meaning(status) == Delivery(REJECTED, f"http_{status}", ErrorClass.UNREACHABLE)


def test_too_early_was_not_looked_at() -> None:
    assert meaning(425) == Delivery(REJECTED, "http_425", ErrorClass.DEFERRED)


@pytest.mark.parametrize(
    "status", [300, 301, 302, 303, 304, 408, 409, 500, 502, 503, 504, 599, 600, 999, 101]
)
def test_what_does_not_prove_that_nothing_was_delivered_is_ambiguous(status: int) -> None:
    assert meaning(status) == Delivery(AMBIGUOUS, f"http_{status}")


def test_too_many_requests_is_throttled_till_the_instant_it_names() -> None:
    assert meaning(429) == Delivery(REJECTED, "http_429", ErrorClass.THROTTLED)
    assert meaning(429, retry_after="30") == Delivery(
        REJECTED, "http_429", ErrorClass.THROTTLED, retry_after=30.0
    )


def test_unavailable_with_a_time_is_ambiguous_all_the_same() -> None:
    assert meaning(503, retry_after="30") == Delivery(AMBIGUOUS, "http_503", retry_after=30.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("99999999999", 99999999999.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 37.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 37.0),
        ("Sun Nov  6 08:49:37 1994", 37.0),
        ("Sun, 06 Nov 1994 08:48:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("١٢٠", None),
        ("120, 60", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 99999 08:49:37 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_anything_else_is_left_alone(
    text: str | None, seconds: float | None
) -> None:
    assert parse_retry_after(text, NOW) == seconds


@given(
    st.text(max_size=60)
    | st.from_regex(
        r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,6} \d{1,3}:\d{1,3}:\d{1,3} [-+A-Z0-9]{1,8}"
    )
)
def test_no_retry_after_is_a_fault(text: str) -> None:
    found = parse_retry_after(text, NOW)
    assert found is None or found >= 0


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"id": "gw-1"}', "gw-1"),
        ('{"id": "Grüße 1", "more": []}'.encode(), "Grüße 1"),
        (json.dumps({"id": "x" * 256}).encode(), "x" * 256),
        (json.dumps({"id": "x" * 257}).encode(), None),
        (b'{"id": ""}', None),
        (b'{"id": 7}', None),
        (b'{"id": null}', None),
        (b'{"id": ["gw-1"]}', None),
        (rb'{"id": "a\u0000b"}', None),
        (rb'{"id": "a\nb"}', None),
        (rb'{"id": "\ud800"}', None),
        (b'{"ID": "gw-1"}', None),
        (b'["id"]', None),
        (b'"id"', None),
        (b'{"id": "gw-1"', None),
        (b"", None),
        (b"\xff\xfe{", None),
        (b"[" * 65_000, None),
        (None, None),
    ],
)
def test_the_gateways_id_is_kept_if_it_can_be_and_the_acceptance_stands_without(
    body: bytes | None, kept: str | None
) -> None:
    assert meaning(202, body) == Delivery(ACCEPTED, provider_message_id=kept)


@given(st.integers(100, 999), st.binary(max_size=100), st.text(max_size=30))
def test_nothing_that_a_gateway_says_is_a_fault_or_gets_into_the_reason(
    status: int, body: bytes, retry_after: str
) -> None:
    delivery = meaning(status, body, retry_after=retry_after)
    assert delivery.reason == (None if delivery.outcome is ACCEPTED else f"http_{status}")
