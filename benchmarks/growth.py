"""Whether draining a queue costs the same whatever else is in the tables."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.calls import service
from benchmarks.draining import drained, people_ids
from benchmarks.figures import Figure, at_least
from benchmarks.filling import fill_finished, fill_waiting
from benchmarks.service import Installation

WAITING_FOR = timedelta(days=30)
WARM_UP = 10
"""The part of a drain that goes before the first."""
UNIT = "messages/s"


def of_tables(bench: Bench) -> Iterator[Figure]:
    """in_app on SQLite, at growing numbers of rows that wait in the same queue's place, then with
    finished ones as well. Each beside a service with few, drained in turns with it."""
    sizes = bench.sizes
    few, *more = sizes.table_rows
    with tempfile.TemporaryDirectory(dir=bench.scratch) as directory:
        small, grown = Path(directory) / "small", Path(directory) / "grown"
        waiting_id, finished_id = _seed(small)
        _fill_waiting(small, waiting_id, range(few))
        _copy(small, grown)
        rows = few
        for level in more:
            _fill_waiting(grown, waiting_id, range(rows, level))
            rows = level
            yield _figure(bench, small, grown, f"drain with {level:,} rows in the table", few)
        fill_finished(_database(grown), finished_id, range(rows, rows + sizes.finished_rows))
        yield _figure(
            bench,
            small,
            grown,
            f"drain with {rows:,} waiting and {sizes.finished_rows:,} finished rows",
            few,
        )


def _copy(data_dir: Path, to: Path) -> None:
    """Sockets stay where they are."""
    shutil.copytree(data_dir, to, ignore=shutil.ignore_patterns("*.sock"))


def _figure(bench: Bench, small: Path, grown: Path, what: str, few: int) -> Figure:
    rates: dict[Path, list[float]] = {}
    count = bench.sizes.growth_drained
    with ExitStack() as stack, tempfile.TemporaryDirectory(dir=bench.scratch) as directory:
        # A copy each time, so that it stays small.
        beside = Path(directory) / "small"
        _copy(small, beside)
        ready = {}
        for data_dir in (grown, beside):
            carillon = Installation(data_dir)
            ready[data_dir] = stack.enter_context(
                service(carillon.target(stack.enter_context(carillon.running("serve"))))
            )
            ready[data_dir].put_people(count)
            drained(ready[data_dir], "in_app", people_ids(count // WARM_UP))
        for _ in range(bench.sizes.repeats):
            for data_dir, calls in ready.items():
                rates.setdefault(data_dir, []).append(drained(calls, "in_app", people_ids(count)))
    return Figure(what, UNIT, rates[grown], f"with {few:,} rows", rates[beside], at_least(0.85))


def _seed(data_dir: Path) -> tuple[str, str]:
    """A database with a message that waits and one that has been sent; their ids."""
    data_dir.mkdir()
    carillon = Installation(data_dir)
    with carillon.running("serve") as pid, service(carillon.target(pid)) as ready:
        ready.put_template("in_app")
        waiting = ready.schedule("in_app", datetime.now(UTC) + WAITING_FOR)
        sent = ready.schedule("in_app", datetime.now(UTC))
        ready.wait_until_sent(sent)
    return waiting, sent


def _fill_waiting(data_dir: Path, message_id: str, numbers: range) -> None:
    fill_waiting(
        _database(data_dir), message_id, numbers, time.time() + WAITING_FOR.total_seconds(), 1.0
    )


def _database(data_dir: Path) -> Path:
    return data_dir / "carillon.db"
