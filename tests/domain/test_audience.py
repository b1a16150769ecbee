"""Recipients that get a message, and the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.contacts.addresses import Recipient
from server.domain.contacts.recipients import classify_recipients, refuse_invalid_recipients
from server.domain.errors import ValidationFailed
from storage.model.audiences import SkipReason

ANN = ("ann", "ann@example.com")
ADDRESSES = ["x@example.com", "X@EXAMPLE.COM", "y@example.com", "not an email", "\n", ""]
SOME = st.lists(st.tuples(st.sampled_from(["a", "b", " ", "", ".."]), st.sampled_from(ADDRESSES)))


def skips(
    recipients: list[Recipient], channel: str = "email", *, shared: bool = False
) -> list[SkipReason | None]:
    return classify_recipients([channel], recipients, allow_shared_addresses=shared).skips


def test_an_address_is_reached_once_whoever_has_it() -> None:
    others = [("ann", "other@example.com"), ("bob", "Ann@Example.com"), ("Ann", "ann@example.com")]
    assert skips([ANN, *others, ANN]) == [None, None, *[SkipReason.DUPLICATE] * 3]
    assert skips([("a", "+442079460018"), ("b", "+44 (0)20 7946 0018")], "sms") == [
        None,
        SkipReason.DUPLICATE,
    ]


def test_where_addresses_may_be_shared_everybody_who_has_one_is_reached_once() -> None:
    others = [("ann", "other@example.com"), ("bob", "ann@example.com"), ("Ann", "ann@example.com")]
    assert skips([ANN, *others, ANN], shared=True) == [None, None, None, None, SkipReason.DUPLICATE]


def test_the_same_person_at_the_same_address_is_a_duplicate_however_it_is_written() -> None:
    assert skips([ANN, (" ann", "ANN@Example.COM ")]) == [None, SkipReason.DUPLICATE]
    assert skips([("a", "+442079460018"), ("a", "+44 (0)20 7946 0018")], "sms") == [
        None,
        SkipReason.DUPLICATE,
    ]


@pytest.mark.parametrize(
    "bad",
    [
        ("", "x@example.com"), ("a", ""), ("", ""), (" \t", "x@example.com"), ("a", "\u2003"),
        ("a\r", "x@example.com"),
        ("a", "x@example.com\n"), ("a", "\x7f"), ("a", "not an email"),
        ("a", "\u200bx@example.com"), ("..", "x@example.com"),
    ],
)  # fmt: skip
def test_a_recipient_that_cannot_be_reached_is_invalid_however_often_and_kept_as_given(
    bad: Recipient,
) -> None:
    classified = classify_recipients("email", [bad, bad], allow_shared_addresses=False)
    assert classified.skips == [SkipReason.INVALID_RECIPIENT] * 2
    assert classified.recipients == [bad, bad]


def test_on_in_app_another_address_than_the_person_is_invalid() -> None:
    assert skips([("c-1", "c-1"), ("c-1", "somebody-else")], "in_app") == [
        None,
        SkipReason.INVALID_RECIPIENT,
    ]


@given(SOME)
def test_everybody_is_accounted_for_in_order_and_each_address_reached_once(
    recipients: list[Recipient],
) -> None:
    each = list(classify_recipients("email", recipients, allow_shared_addresses=False))
    assert len(each) == len(recipients)
    reached = [address for (_, address), reason in each if reason is None]
    assert len(reached) == len(set(reached))
    assert set(reached) == {address for _, address in _good(recipients)}


@given(SOME)
def test_where_addresses_may_be_shared_each_person_and_address_is_reached_once(
    recipients: list[Recipient],
) -> None:
    reached = [
        recipient
        for recipient, reason in classify_recipients(
            "email", recipients, allow_shared_addresses=True
        )
        if reason is None
    ]
    assert len(reached) == len(set(reached))
    assert set(reached) == _good(recipients)


def _good(recipients: list[Recipient]) -> set[Recipient]:
    return {
        (person, address.lower())
        for person, address in recipients
        if person in {"a", "b"} and "@" in address
    }


@given(SOME)
def test_of_an_audience_each_address_is_reached_once(recipients: list[Recipient]) -> None:
    audience = classify_recipients("email", recipients, allow_shared_addresses=True)
    reached = [address for (_, address), reason in audience.once_per_address() if reason is None]
    assert len(reached) == len(set(reached))
    assert set(reached) == {address for _, address in _good(recipients)}


def test_invalid_recipients_are_named_the_first_ten() -> None:
    refuse_invalid_recipients(
        "email", classify_recipients("email", [ANN] * 3, allow_shared_addresses=False)
    )
    bad = [ANN, ("", " "), *[("a", "not an email")] * 100]
    with pytest.raises(ValidationFailed) as refused:
        refuse_invalid_recipients(
            "email", classify_recipients("email", bad, allow_shared_addresses=False)
        )
    fields = [violation.field for violation in refused.value.violations]
    assert fields == [
        "recipients[1].person_id",
        *(f"recipients[{index}].recipient" for index in range(1, 10)),
    ]
