"""Pages and their tokens."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from string import printable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.errors import ValidationFailed
from server.domain.paging import (
    DEFAULT_SIZE,
    LARGEST_PAGE,
    LARGEST_SIZE,
    Page,
    PageRequest,
    is_large,
    make_page,
    read_page_request,
)

KEYS = st.text(
    "".join(character for character in printable if character.isprintable()), max_size=128
)
QUERY = "campaigns/comms/brand/"


@dataclass(frozen=True, slots=True)
class Held:
    """A row with a long text in it."""

    text: str


def next_token(key: str, query: str = QUERY) -> str:
    return make_page([key, "one more"], PageRequest(1, None), query, str).next_page_token


def encoded(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()


@pytest.mark.parametrize(
    ("asked", "given_size"),
    [
        (0, DEFAULT_SIZE),
        (1, 1),
        (LARGEST_SIZE, LARGEST_SIZE),
        (LARGEST_SIZE + 1, LARGEST_SIZE),
        (2**31 - 1, LARGEST_SIZE),
    ],
)
def test_sizes_are_coerced_down(asked: int, given_size: int) -> None:
    assert read_page_request(asked, "", QUERY) == PageRequest(given_size, None)


@given(KEYS, st.text())
def test_a_token_says_where_the_next_page_begins(key: str, query: str) -> None:
    assert read_page_request(10, next_token(key, query), query).after == key


@given(KEYS)
def test_a_token_can_stand_in_a_url_as_it_is(key: str) -> None:
    assert set(next_token(key)) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    )


@given(st.text(), st.text())
def test_a_token_of_another_list_or_filter_is_refused(query: str, other: str) -> None:
    if query != other:
        with pytest.raises(ValidationFailed) as refused:
            read_page_request(10, next_token("key", query), other)
        assert refused.value.violations[0].field == "page_token"


@given(
    st.text(min_size=1)
    | st.binary(min_size=1).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
)
def test_garbage_is_refused(token: str) -> None:
    with pytest.raises(ValidationFailed):
        read_page_request(10, token, QUERY)


def forged(after: object) -> str:
    """A token with the right fingerprint, which is no secret, and a key of a caller's own."""
    fingerprint, _ = json.loads(base64.urlsafe_b64decode(next_token("key") + "=="))
    return encoded([fingerprint, after])


@pytest.mark.parametrize(
    "after", [None, 7, ["key"], "a\x00b", "line\nbreak", "\ud800", "é", "x" * 500]
)
def test_a_forged_key_that_no_list_has_is_refused(after: object) -> None:
    with pytest.raises(ValidationFailed):
        read_page_request(10, forged(after), QUERY)


@pytest.mark.parametrize(
    "document", [[], ["one"], ["one", "two", "three"], {"a": 1, "b": 2}, "ab", 7, None]
)
def test_a_token_of_another_shape_is_refused(document: object) -> None:
    with pytest.raises(ValidationFailed):
        read_page_request(10, encoded(document), QUERY)


def test_a_token_nested_without_end_is_refused() -> None:
    with pytest.raises(ValidationFailed):
        read_page_request(10, base64.urlsafe_b64encode(b"[" * 100_000).decode(), QUERY)


@given(st.integers(0, 30), st.integers(1, 10))
def test_pages_together_are_the_list(length: int, size: int) -> None:
    rows = [f"{number:03}" for number in range(length)]
    seen: list[str] = []
    token, pages = "", 0
    while token or not pages:
        request = read_page_request(size, token, QUERY)
        following = [row for row in rows if request.after is None or row > request.after]
        page = make_page(following[: request.size + 1], request, QUERY, str)
        assert len(page.items) <= size
        seen, token, pages = [*seen, *page.items], page.next_page_token, pages + 1
    assert (seen, pages) == (rows, max(1, -(-length // size)))


def test_the_last_page_has_no_token() -> None:
    assert make_page(["a", "b"], PageRequest(2, None), QUERY, str) == Page(["a", "b"], "")
    assert make_page([], PageRequest(2, None), QUERY, str) == Page([], "")


def pages_of(rows: list[str], size: int) -> list[list[str]]:
    """All pages of rows that are in order."""
    pages: list[list[str]] = []
    token = ""
    while token or not pages:
        request = read_page_request(size, token, QUERY)
        following = [row for row in rows if request.after is None or row[:3] > request.after]
        page = make_page(following[: request.size + 1], request, QUERY, lambda row: row[:3])
        pages, token = [*pages, page.items], page.next_page_token
    return pages


def test_a_page_ends_early_where_its_rows_are_large_and_the_next_goes_on_there() -> None:
    rows = [f"{number:03}".ljust(LARGEST_PAGE // 4) for number in range(10)]
    assert [len(page) for page in pages_of(rows, 50)] == [4, 4, 2]
    assert [row for page in pages_of(rows, 3) for row in page] == rows


def test_a_row_that_is_larger_than_a_page_has_one_for_itself() -> None:
    rows = ["000", "001".ljust(2 * LARGEST_PAGE), "002", "003"]
    assert [len(page) for page in pages_of(rows, 50)] == [1, 1, 2]


def test_what_is_in_a_row_makes_it_large_wherever_it_is() -> None:
    long = "x" * (LARGEST_PAGE // 2 + 1)
    for value in (Held(long), {"key": {"key": [long]}}, [[long], (long[:1],)], {long: 1}):
        rows = [value] * 4
        page = make_page(rows, PageRequest(3, None), QUERY, lambda _: "key")
        assert len(page.items) == 1, type(value)
        assert is_large(rows[:2])
        assert not is_large(rows[:1])
