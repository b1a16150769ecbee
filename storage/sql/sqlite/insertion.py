"""Inserts many rows by one statement of SQLite, giving what they have in common once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, count
from typing import Any

_ROWS_AT_ONCE = (500, 50)
"""Of a bulk insert that go in one step: the driver lets go of Python's lock and takes it again at
each, which costs more than a row. SQLite takes 32,766 parameters in a statement, and no table has
so many columns that these would be too many."""


def insert(
    driver: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    on_conflict: str,
) -> None:
    """Adds the rows, whose values are such as the driver takes. The names are our own."""
    names = tuple(columns)
    done = 0
    for size in _ROWS_AT_ONCE:
        while len(rows) - done >= size:
            alike, given = _parameters(rows[done : done + size])
            driver.execute(_statement(table, names, alike, size, on_conflict), given)
            done += size
    one = _statement(table, names, (False,) * len(names), 1, on_conflict)
    driver.executemany(one, rows[done:])


def _parameters(rows: Sequence[tuple[Any, ...]]) -> tuple[tuple[bool, ...], list[Any]]:
    """Which columns have one value in all rows; those values, and then what is left of each row.

    Rows of one audience differ in a quarter of their columns, and binding a value takes SQLite's
    driver about as long as storing it.
    """
    values = list(zip(*rows, strict=True))
    alike = tuple(column.count(column[0]) == len(column) for column in values)
    own = [column for column, same in zip(values, alike, strict=True) if not same]
    given = [column[0] for column, same in zip(values, alike, strict=True) if same]
    return alike, [*given, *chain.from_iterable(zip(*own, strict=True))]


@lru_cache
def _statement(
    table: str, columns: tuple[str, ...], alike: tuple[bool, ...], size: int, on_conflict: str
) -> str:
    """Numbers its parameters: first those of all rows, then those of each."""
    common = count(1)
    of_all = [next(common) if same else None for same in alike]
    own = count(next(common))

    def numbers() -> Iterator[str]:
        for number in of_all:
            yield f"?{next(own) if number is None else number}"

    places = ", ".join(f"({', '.join(numbers())})" for _ in range(size))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {places} {on_conflict}"  # noqa: S608
