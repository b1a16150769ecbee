"""Draining queues: in_app on SQLite and on PostgreSQL beside job queues, email beside plain SMTP."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.calls import Service, service
from benchmarks.draining import drained, mailboxes, people_ids
from benchmarks.figures import Figure, at_least
from benchmarks.peers import queues
from benchmarks.postgres import running_postgres
from benchmarks.service import ROOT, Installation, running
from benchmarks.sinks.smtp import running_sink
from server.tokens import load_or_create_key
from storage.sql.open import migrate

CORES_FOR_TWO = 4
"""Two dispatchers and the database's own processes, each on a core."""
WARM_UP = 10
"""The part of a drain that goes before the first, so that what is loaded once is loaded."""


def in_app(bench: Bench) -> Iterator[Figure]:
    """SQLite, synchronous=FULL."""
    ours: list[float] = []
    theirs: dict[str, list[float]] = {"BullMQ + Redis": [], "Celery + Redis": [], "procrastinate + PostgreSQL": []}
    sizes, peers = bench.sizes, bench.peers
    with ExitStack() as stack:
        ready = _prepared(stack.enter_context(service(stack.enter_context(running()))), sizes.drained)
        redis = None if peers.missing_python else stack.enter_context(queues.running_redis(peers, bench.scratch))
        databases = None if peers.missing_python else stack.enter_context(running_postgres())
        for _ in range(sizes.repeats):
            ours.append(drained(ready, "in_app", people_ids(sizes.drained)))
            if redis is not None and not peers.missing_node:
                theirs["BullMQ + Redis"].append(queues.bullmq(redis, sizes.bullmq_jobs))
            if redis is not None:
                theirs["Celery + Redis"].append(queues.celery(peers, redis, sizes.celery_jobs))
            if databases is not None:
                theirs["procrastinate + PostgreSQL"].append(queues.procrastinate(peers, databases.create(), sizes.procrastinate_jobs))
    bounds = {"BullMQ + Redis": 1.0, "Celery + Redis": 15.0, "procrastinate + PostgreSQL": 25.0}
    for beside, rates in theirs.items():
        missing = "" if rates else (peers.missing_node if beside.startswith("BullMQ") else peers.missing_python)
        yield Figure("drain, in_app on SQLite", "messages/s", ours, beside, rates, at_least(bounds[beside]), missing)


def on_postgres(bench: Bench) -> Iterator[Figure]:
    """in_app on PostgreSQL: an API process, and one dispatcher process or two."""
    one, two, theirs = [], [], []
    sizes, peers = bench.sizes, bench.peers
    with ExitStack() as stack:
        databases = stack.enter_context(running_postgres())
        data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=bench.scratch)))
        carillon = Installation(data_dir, databases.create(), {"CARILLON_DRAIN_SECONDS": "0"})
        asyncio.run(migrate(carillon.database_url))
        # The key that all of its processes share.
        load_or_create_key(data_dir)
        ready = stack.enter_context(service(carillon.target(stack.enter_context(carillon.running("api")))))
        stack.enter_context(carillon.running("dispatcher"))
        _prepared(ready, sizes.drained_postgres)
        for _ in range(sizes.repeats):
            one.append(drained(ready, "in_app", people_ids(sizes.drained_postgres)))
            with carillon.running("dispatcher"):
                two.append(drained(ready, "in_app", people_ids(sizes.drained_postgres)))
            if not peers.missing_python:
                theirs.append(queues.procrastinate(peers, databases.create(), sizes.procrastinate_jobs))
    cores = os.cpu_count() or 1
    excuse = f"{cores} cores; it takes {CORES_FOR_TWO}" if cores < CORES_FOR_TWO else ""
    unit = "messages/s"
    yield Figure("drain, in_app on PostgreSQL, two dispatchers", unit, two, "one dispatcher", one, at_least(1.6, excuse))
    beside = "procrastinate + PostgreSQL"
    yield Figure("drain, in_app on PostgreSQL, one dispatcher", unit, one, beside, theirs, at_least(15.0), peers.missing_python)


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
    yield Figure("drain, email over SMTP", "messages/s", ours, "aiosmtplib, 10 sessions", theirs, at_least(2.0), notes=notes)


def _prepared(ready: Service, people: int, channel: str = "in_app") -> Service:
    ready.put_template(channel)
    ready.put_people(people)
    addresses = people_ids(people) if channel == "in_app" else mailboxes(people)
    drained(ready, channel, addresses[: max(1, people // WARM_UP)])
    return ready


def _plain_smtp(port: int, count: int) -> float:
    command = [sys.executable, "-m", "benchmarks.peers.plain_smtp", str(port), str(count)]
    return float(subprocess.check_output(command, cwd=ROOT, text=True))
