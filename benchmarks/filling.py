"""Tables with many rows, made from one real row by SQLite itself: what the service would have
written in hours is there in seconds.

The service must not be running. How its tables look is not known here but for the columns that have
to differ from row to row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MICROSECONDS = 1_000_000
_MESSAGE = {
    "id": "'01900000-0000-7000-8000-' || printf('%012x', n)",
    "person_id": "printf('filled-%09d', n)",
    "recipient": "printf('filled.%09d@example.com', n)",
    "dedup_key": "printf('filled-%09d', n)",
}
_ATTEMPT = {"id": "'01900000-0000-7000-9000-' || printf('%012x', n)", "message_id": _MESSAGE["id"]}
_INBOX_ITEM = {
    "id": "'01900000-0000-7000-a000-' || printf('%012x', n)",
    "message_id": _MESSAGE["id"],
    "person_id": _MESSAGE["person_id"],
}


def number_of(message_id: str) -> int:
    """Which of the rows a message is."""
    return int(message_id.rpartition("-")[2], 16)


def fill_waiting(
    database: Path, message_id: str, numbers: range, first_due: float, apart: float
) -> None:
    """As many messages like this one, due from an instant (in seconds since 1970) on, so many
    seconds apart."""
    due = f"{int(first_due * MICROSECONDS)} + (n - {numbers.start}) * {int(apart * MICROSECONDS)}"
    with _opened(database) as connection:
        _copy(
            connection,
            "messages",
            "id",
            message_id,
            numbers,
            {**_MESSAGE, "due_at": due, "scheduled_at": due},
        )


def fill_finished(database: Path, message_id: str, numbers: range) -> None:
    """As many in_app messages like this one, which has ended, with their attempts and inbox
    items."""
    with _opened(database) as connection:
        _copy(connection, "messages", "id", message_id, numbers, _MESSAGE)
        _copy(connection, "attempts", "message_id", message_id, numbers, _ATTEMPT)
        _copy(connection, "inbox_items", "message_id", message_id, numbers, _INBOX_ITEM)


def _copy(
    connection: sqlite3.Connection,
    table: str,
    key: str,
    value: str,
    numbers: range,
    changed: Mapping[str, str],
) -> None:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(changed.get(column, column) for column in columns)
    # The numbers are our own.
    following = f"SELECT n + 1 FROM numbers WHERE n < {numbers.stop - 1}"  # noqa: S608
    series = f"WITH RECURSIVE numbers(n) AS (SELECT {numbers.start} UNION ALL {following})"
    # The names are our own.
    source = f"SELECT {values} FROM numbers, {table} WHERE {table}.{key} = ?"  # noqa: S608
    done = connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) {series} {source}", (value,)
    )
    assert done.rowcount == len(numbers), (table, done.rowcount)


@contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    """Without a log, since there is nothing to lose yet; the service puts it back to what it
    wants."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        for pragma in (
            "journal_mode = DELETE",
            "journal_mode = OFF",
            "synchronous = OFF",
            "cache_size = -262144",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
    finally:
        connection.close()
