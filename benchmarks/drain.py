"""Draining queues: in_app on SQLite and on PostgreSQL beside job queues, email beside plain
SMTP."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.calls import Service, service
from benchmarks.draining import drained, mailboxes, people_ids
from benchmarks.figures import Figure, at_least
from benchmarks.peers import queues
from benchmarks.postgres import Databases, running_postgres
from benchmarks.service import BRAND, ROOT, Installation, running
from benchmarks.sinks.smtp import running_sink
from server.commands.operations.brands import create_brand
from server.config import Settings
from server.database import operate
from server.identity.key_store import signing_keys
from storage.sql.open import migrate

CORES_FOR_TWO = 4
"""Two dispatchers and the database's own processes, each on a core."""
WARM_UP = 10
"""The part of a drain that goes before the first, so that what is loaded once is loaded."""
UNIT = "messages/s"


@dataclass
class Rival:
    """A job queue, and how many times as fast ours is to be."""

    name: str
    bound: float
    measure: Callable[[], float]
    missing: str
    """Why it cannot be measured."""
    rates: list[float] = field(default_factory=list)

    def take(self) -> None:
        """Measures it, unless it cannot be. One that fails is out."""
        if self.missing:
            return
        try:
            self.rates.append(self.measure())
        except (subprocess.SubprocessError, ValueError) as error:
            self.missing = f"it failed with {type(error).__name__}"

    def figure(self, what: str, ours: Sequence[float]) -> Figure:
        """Ours beside it."""
        return Figure(what, UNIT, ours, self.name, self.rates, at_least(self.bound), self.missing)


def in_app(bench: Bench) -> Iterator[Figure]:
    """SQLite, synchronous=FULL."""
    ours: list[float] = []
    with ExitStack() as stack:
        ready = _prepared(
            stack.enter_context(service(stack.enter_context(running()))), bench.sizes.drained
        )
        rivals = _rivals(bench, stack)
        for _ in range(bench.sizes.repeats):
            ours.append(drained(ready, "in_app", people_ids(bench.sizes.drained)))
            for rival in rivals:
                rival.take()
    for rival in rivals:
        yield rival.figure("drain, in_app on SQLite", ours)


def on_postgres(bench: Bench) -> Iterator[Figure]:
    """in_app on PostgreSQL: an API process, and one dispatcher process or two."""
    one, two = [], []
    addresses = people_ids(bench.sizes.drained_postgres)
    with ExitStack() as stack:
        databases = stack.enter_context(running_postgres())
        data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=bench.scratch)))
        carillon = Installation(data_dir, databases.create(), {"CARILLON_DRAIN_SECONDS": "0"})
        asyncio.run(_prepare_database(carillon.database_url))
        # The key that all of its processes share.
        signing_keys(Settings(data_dir=data_dir), may_create=True)
        ready = stack.enter_context(
            service(carillon.target(stack.enter_context(carillon.running("api"))))
        )
        stack.enter_context(carillon.running("dispatcher"))
        _prepared(ready, len(addresses))
        rival = _procrastinate(bench, databases, 15.0)
        for _ in range(bench.sizes.repeats):
            one.append(drained(ready, "in_app", addresses))
            with carillon.running("dispatcher"):
                two.append(drained(ready, "in_app", addresses))
            rival.take()
    cores = os.cpu_count() or 1
    excuse = f"{cores} cores; it takes {CORES_FOR_TWO}" if cores < CORES_FOR_TWO else ""
    yield Figure(
        "drain, in_app on PostgreSQL, two dispatchers",
        UNIT,
        two,
        "one dispatcher",
        one,
        at_least(1.6, excuse),
    )
    yield rival.figure("drain, in_app on PostgreSQL, one dispatcher", one)


async def _prepare_database(url: str) -> None:
    """Its schema, and the brand that `serve` would have made."""
    await migrate(url)
    await operate(
        Settings(database_url=url), lambda tx, caller: create_brand(tx, caller, BRAND, "Demo")
    )


def over_smtp(bench: Bench) -> Iterator[Figure]:
    """Email, to a mail server that takes everything at once."""
    ours, theirs = [], []
    sizes = bench.sizes
    with ExitStack() as stack:
        sink = stack.enter_context(running_sink(bench.scratch))
        target = stack.enter_context(running(settings=sink.settings))
        ready = _prepared(stack.enter_context(service(target)), sizes.drained_smtp, "email")
        for _ in range(sizes.repeats):
            ours.append(drained(ready, "email", mailboxes(sizes.drained_smtp)))
            theirs.append(_plain_smtp(sink.port, sizes.peer_smtp))
    notes = [f"the mail server is written in {sink.written_in}"]
    yield Figure(
        "drain, email over SMTP",
        UNIT,
        ours,
        "aiosmtplib, 10 sessions",
        theirs,
        at_least(2.0),
        notes=notes,
    )


def _rivals(bench: Bench, stack: ExitStack) -> list[Rival]:
    """With what they need running."""
    peers, sizes = bench.peers, bench.sizes
    redis = (
        0
        if peers.missing_python
        else stack.enter_context(queues.running_redis(peers, bench.scratch))
    )
    databases = None if peers.missing_python else stack.enter_context(running_postgres())
    return [
        Rival(
            "BullMQ + Redis",
            1.0,
            lambda: queues.bullmq(redis, sizes.bullmq_jobs),
            peers.missing_node,
        ),
        Rival(
            "Celery + Redis",
            15.0,
            lambda: queues.celery(peers, redis, sizes.celery_jobs),
            peers.missing_python,
        ),
        _procrastinate(bench, databases, 25.0),
    ]


def _procrastinate(bench: Bench, databases: Databases | None, bound: float) -> Rival:
    def measure() -> float:
        assert databases is not None
        return queues.procrastinate(bench.peers, databases.create(), bench.sizes.procrastinate_jobs)

    return Rival("procrastinate + PostgreSQL", bound, measure, bench.peers.missing_python)


def _prepared(ready: Service, people: int, channel: str = "in_app") -> Service:
    ready.put_template(channel)
    ready.put_people(people)
    addresses = people_ids(people) if channel == "in_app" else mailboxes(people)
    drained(ready, channel, addresses[: max(1, people // WARM_UP)])
    return ready


def _plain_smtp(port: int, count: int) -> float:
    command = [sys.executable, "-m", "benchmarks.peers.plain_smtp", str(port), str(count)]
    return float(subprocess.check_output(command, cwd=ROOT, text=True))
