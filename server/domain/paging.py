"""Page sizes and page tokens (AIP-158): sizes are coerced down, tokens are opaque and bound to the
list they came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from itertools import accumulate
from typing import Any, Generic, TypeVar

from server.domain.errors import ValidationFailed

DEFAULT_SIZE = 50
LARGEST_SIZE = 200
LARGEST_PAGE = 4 * 1024 * 1024
"""Characters of all rows of a page together; one row may be larger by itself."""
_LONGEST_TOKEN = 400
"""Keys are ids and numbers; nothing this long was made here."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page of a list that is keyed by a string."""

    size: int
    """Rows wanted, 1 to LARGEST_SIZE."""
    after: str | None
    """Key of the last row of the page before; None for the first page."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows of one page, and the token of the next; empty on the last."""

    items: list[T]
    next_page_token: str


def read_page_request(size: int, token: str, query: str, field: str = "page_token") -> PageRequest:
    """The page asked for. `query` names the list and its filters. Raises ValidationFailed for a
    token of another list."""
    after = _decode(token, query) if token else None
    if token and after is None:
        raise ValidationFailed.of(field, "is not a token of this list with these filters")
    return PageRequest(min(size, LARGEST_SIZE) or DEFAULT_SIZE, after)


def make_page(
    rows: Sequence[T], request: PageRequest, query: str, key: Callable[[T], str]
) -> Page[T]:
    """The page of `rows`, which were fetched with one row more than the page holds. It ends early
    where they grow too large together."""
    totals = accumulate(map(_characters, rows[: request.size]))
    fitting = sum(total <= LARGEST_PAGE for total in totals)
    items = list(rows[: max(fitting, 1)])
    more = len(rows) > len(items)
    return Page(items, _encode(key(items[-1]), query) if more else "")


def is_large(rows: Sequence[object]) -> bool:
    """Whether these rows are more than a page may have."""
    return sum(map(_characters, rows)) > LARGEST_PAGE


def _characters(value: object) -> int:
    """About how long the value is as text."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_characters(key) + _characters(item) for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return sum(map(_characters, value))
    kind: Any = type(value)
    of_fields: int = sum(_characters(getattr(value, name)) for name in _names(kind))
    return of_fields or 8


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    """The fields of records of this kind; none of what is no record."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def _fingerprint(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:12]


def _encode(after: str, query: str) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps([_fingerprint(query), after]).encode())
        .decode()
        .rstrip("=")
    )


def _decode(token: str, query: str) -> str | None:
    """The key in a token; None if it is of another list."""
    if len(token) > _LONGEST_TOKEN:
        return None
    try:
        fingerprint, after = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError, TypeError):
        fingerprint, after = None, None
    if (
        fingerprint != _fingerprint(query)
        or not isinstance(after, str)
        or not (after.isascii() and after.isprintable())
    ):
        return None
    return after
