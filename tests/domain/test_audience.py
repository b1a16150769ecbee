"""Recipients that get a message, and the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.audience import Recipient, SkipReason, refuse_blank_recipients, refuse_unstorable_recipients, sort_out
from server.domain.errors import ValidationFailed
from server.domain.validation import ADDRESS_LENGTH, ID_LENGTH

ANN = ("ann", "ann@example.com")
SOME = st.lists(st.tuples(st.sampled_from(["a", "b", " ", ""]), st.sampled_from(["x", "y", "\n", ""])))


def sorted_out(recipients: list[Recipient]) -> list[tuple[str, str, SkipReason | None]]:
    return list(sort_out(recipients, frozenset()))


def test_the_same_person_at_the_same_address_is_a_duplicate() -> None:
    others = [("ann", "other@example.com"), ("bob", "ann@example.com"), ("Ann", "ann@example.com")]
    assert [reason for *_, reason in sorted_out([ANN, *others, ANN])] == [None, None, None, None, SkipReason.DUPLICATE]


@pytest.mark.parametrize(
    "blank", [("", "x"), ("a", ""), ("", ""), (" \t", "x"), ("a", "\u2003"), ("a\r", "x"), ("a", "x\ny"), ("a", "\x7f")]
)
def test_a_recipient_that_cannot_be_reached_is_invalid_however_often(blank: Recipient) -> None:
    assert [reason for *_, reason in sorted_out([blank, blank])] == [SkipReason.INVALID_RECIPIENT] * 2


@given(SOME)
def test_everybody_is_accounted_for_in_order_and_reached_at_most_once(recipients: list[Recipient]) -> None:
    each = sorted_out(recipients)
    assert [(person, address) for person, address, _ in each] == recipients
    reached = [(person, address) for person, address, reason in each if reason is None]
    assert len(reached) == len(set(reached))
    assert set(reached) == {(person, address) for person, address in recipients if person.strip() and address.strip()}


def test_blank_recipients_are_named_the_first_ten() -> None:
    refuse_blank_recipients([ANN] * 3)
    with pytest.raises(ValidationFailed) as refused:
        refuse_blank_recipients([ANN, ("", " "), *[("a", "")] * 100])
    fields = [violation.field for violation in refused.value.violations]
    assert fields == ["recipients[1].person_id", *(f"recipients[{index}].recipient" for index in range(1, 10))]


def test_recipients_as_long_as_may_be() -> None:
    refuse_unstorable_recipients([ANN, ("a" * ID_LENGTH, "x" * ADDRESS_LENGTH), ("", "")])


@pytest.mark.parametrize(
    ("recipient", "field"),
    [
        (("a" * (ID_LENGTH + 1), "x"), "person_id"),
        (("a", "x" * (ADDRESS_LENGTH + 1)), "recipient"),
        (("a\x00", "x"), "person_id"),
        (("a", "x\x00"), "recipient"),
    ],
)
def test_a_recipient_no_database_holds_is_named(recipient: Recipient, field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        refuse_unstorable_recipients([ANN, recipient])
    assert [violation.field for violation in refused.value.violations] == [f"recipients[1].{field}"]
