"""How late messages go out that become due one after the other while a million others wait for
their time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.calls import service
from benchmarks.figures import Figure, at_most, percentile
from benchmarks.filling import fill_waiting, number_of
from benchmarks.service import Installation
from benchmarks.sinks.smtp import running_sink

WAITING_FOR = timedelta(days=30)
START_MARGIN = 1.5
"""Seconds that a service has to start in, beyond half as much again as it took before."""


def of_many(bench: Bench) -> Iterator[Figure]:
    """Email to a mail server on this machine: from due to its MAIL command, over consecutive parts
    of one run."""
    sizes = bench.sizes
    count = sizes.coming_due * sizes.due_seconds
    with (
        running_sink(bench.scratch) as sink,
        tempfile.TemporaryDirectory(dir=bench.scratch) as directory,
    ):
        carillon = Installation(Path(directory), settings=sink.settings)
        database = carillon.data_dir / "carillon.db"
        message_id, start_seconds = _first_message(carillon)
        fill_waiting(database, message_id, range(count, count + sizes.waiting), _later(), 1.0)
        begin = time.time() + 1.5 * start_seconds + START_MARGIN
        fill_waiting(database, message_id, range(count), begin, 1 / sizes.coming_due)
        with carillon.running("serve"):
            ready_after = time.time() - begin
            taken = sink.taken(count, patience=sizes.due_seconds + 120)
    parts: list[list[float]] = [[] for _ in range(sizes.repeats)]
    for each in taken:
        number = number_of(each.message_id)
        parts[number * sizes.repeats // count].append(
            each.real - (begin + number / sizes.coming_due)
        )
    notes = (
        [f"the service was ready {ready_after:.1f} s after the first was due"]
        if ready_after > 0
        else []
    )
    what = f"{sizes.coming_due}/s coming due, {sizes.waiting:,} waiting: due → provider called"
    for share, bound in ((0.50, 20), (0.99, 150)):
        found = [percentile(part, share) * 1000 for part in parts]
        yield Figure(f"{what}, p{share * 100:.0f}", "ms", found, target=at_most(bound), notes=notes)


def _first_message(carillon: Installation) -> tuple[str, float]:
    """The id of a message that waits, and how long the service took to start."""
    started = time.monotonic()
    with carillon.running("serve") as pid:
        seconds = time.monotonic() - started
        with service(carillon.target(pid)) as ready:
            ready.put_template("email")
            return ready.schedule("email", datetime.fromtimestamp(_later(), UTC)), seconds


def _later() -> float:
    return time.time() + WAITING_FOR.total_seconds()
