"""Telling requests apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.fingerprint import fingerprint

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=10,
)


@given(JSON, JSON)
def test_equal_requests_and_no_others_are_equal(one: Any, other: Any) -> None:
    same = repr(_ordered(one)) == repr(_ordered(other))
    assert (fingerprint(one) == fingerprint(other)) == same


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b"), ("ab", "")),
        (("a", "b"), ("b", "a")),
        ((1,), ("1",)),
        ((True,), (1,)),
        ((None,), ("",)),
        (((),), ()),
    ],
)
def test_requests_that_look_alike_are_told_apart(
    one: tuple[object, ...], other: tuple[object, ...]
) -> None:
    assert fingerprint(*one) != fingerprint(*other)


def test_the_order_of_keys_does_not_matter() -> None:
    assert fingerprint({"a": 1, "b": {"c": 2, "d": 3}}) == fingerprint(
        {"b": {"d": 3, "c": 2}, "a": 1}
    )


def test_a_fingerprint_is_the_same_in_every_version() -> None:
    # Rows keep fingerprints: if this changes, requests made again after an upgrade are refused.
    assert (
        fingerprint("ann", {"order": 7}, True, "é")
        == "7be4a9e11aac027f6328ee5f8939b3bac24dc756826e9edc57eed165ca4dc577"
    )
