"""Bulk inserts on SQLite: what rows have in common is given once, and stays theirs."""

from __future__ import annotations

import sqlite3

import pytest

from storage.sql.sqlite.insertion import insert

COLUMNS = ("id", "brand", "number", "note")


@pytest.fixture
def driver() -> sqlite3.Connection:
    driver = sqlite3.connect(":memory:", isolation_level=None)
    driver.execute(
        "CREATE TABLE items (id TEXT PRIMARY KEY, brand TEXT, number INTEGER, note TEXT)"
    )
    return driver


def stored(driver: sqlite3.Connection) -> list[tuple[object, ...]]:
    return driver.execute("SELECT * FROM items ORDER BY id").fetchall()


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 499, 500, 501, 1234])
def test_rows_are_stored_as_they_were_given(driver: sqlite3.Connection, count: int) -> None:
    rows = [(f"{number:05}", "acme", number // 60, None) for number in range(count)]
    insert(driver, "items", COLUMNS, rows, "")
    assert stored(driver) == rows


def test_one_row_that_differs_keeps_its_own_value(driver: sqlite3.Connection) -> None:
    rows: list[tuple[object, ...]] = [(f"{number:05}", "acme", 7, None) for number in range(500)]
    rows[321] = ("00321", "other", None, "")
    insert(driver, "items", COLUMNS, rows, "")
    assert stored(driver) == rows


def test_rows_that_are_all_alike_may_be_left(driver: sqlite3.Connection) -> None:
    insert(driver, "items", COLUMNS, [("same", "acme", 1, None)] * 500, "ON CONFLICT DO NOTHING")
    assert stored(driver) == [("same", "acme", 1, None)]
