"""Publishing to many recipients over REST: from the request to 202, all rows durable. How long, and
with how much memory."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from benchmarks import memory, rest_load
from benchmarks.bench import Bench
from benchmarks.calls import Service, service
from benchmarks.figures import Figure, at_most
from benchmarks.service import ROOT, Installation, Target, running
from storage.sql.sqlite.engine import WRITER_CACHE_KIB

CHANNEL = "email"
AS_PUBLISHED = {
    "status": "'pending'",
    **dict.fromkeys(("cancelled_at", "failure_reason", "sent_at", "lease_expires_at"), "NULL"),
}
"""What the cancellation has changed in a row, as it was before; indexes are of pending rows
alone."""


def many(bench: Bench) -> Iterator[Figure]:
    """100,000 recipients, beside the least that has to be done: the same rows written by sqlite3
    alone, and a REST call of the same body that does nothing."""
    count = bench.sizes.published
    body = _body(count)
    ours, floors, parts = [], [], []
    with running() as target, service(target) as ready, _empty_service(bench.scratch) as empty:
        ready.put_template(CHANNEL)
        for _ in range(bench.sizes.repeats):
            seconds, send_id = _publish(ready, body, count)
            ours.append(seconds)
            rows = _write_same_rows(target.data_dir / "carillon.db", send_id, count, bench.scratch)
            call = _post(f"{empty}/v1/messaging/campaigns/none/publish", target.token, body)
            floors.append(rows + call)
            parts.append((rows, call))
    rows, call = (statistics.median(column) for column in zip(*parts, strict=True))
    notes = [
        (
            f"floor: {rows:.2f} s executemany, {call:.2f} s empty call "
            f"({len(body) / 1e6:.1f} MB of "
            f"JSON)"
        )
    ]
    beside = "executemany + empty call"
    yield Figure(
        f"publish to {count:,} over REST, request → 202",
        "s",
        ours,
        beside,
        floors,
        at_most(2.0),
        notes=notes,
    )


def most(bench: Bench) -> Iterator[Figure]:
    """1,000,000 recipients, to a new service each time: memory above idle, and time beside a tenth
    of it."""
    count, few = bench.sizes.published_most, bench.sizes.published_most // 10
    large, small = _body(count), _body(few)
    ours, tenth, server, gateway = [], [], [], []
    for _ in range(bench.sizes.repeats_most):
        with running() as target, service(target) as ready:
            ready.put_template(CHANNEL)
            pids = [target.pid, *memory.children(target.pid)]
            idle = [memory.resident_mib(pid) for pid in pids]
            tenth.append(_publish(ready, small, few)[0])
            for pid in pids:
                memory.reset_peak(pid)
            ours.append(_publish(ready, large, count, cancel=False)[0])
            above = [memory.peak_mib(pid) - before for pid, before in zip(pids, idle, strict=True)]
            server.append(above[0])
            gateway.append(sum(above[1:]))
    yield Figure(
        f"publish to {count:,}: peak memory of the server above idle",
        "MiB",
        server,
        target=at_most(600),
    )
    yield Figure(f"publish to {count:,}: peak memory of its Envoy above idle", "MiB", gateway)
    yield Figure(
        f"publish to {count:,}: time against {few:,}",
        "s",
        ours,
        f"publish to {few:,}",
        tenth,
        at_most(11.0),
    )


def _address(number: int) -> str:
    return f"ann.{number}@example.com"


def _body(count: int) -> bytes:
    recipients = [
        {"person_id": f"p{number}", "recipient": _address(number)} for number in range(count)
    ]
    return json.dumps({"recipients": recipients}).encode()


def _publish(ready: Service, body: bytes, count: int, *, cancel: bool = True) -> tuple[float, str]:
    """Seconds from request to answer, and the id of the send, which is then cancelled, so that its
    delivery stays out of what follows."""
    campaign_id = ready.create_campaign(CHANNEL)
    target: Target = ready.target
    seconds = _post(
        f"{target.rest}/v1/messaging/campaigns/{campaign_id}/publish", target.token, body
    )
    send_id = ready.newest_send(campaign_id)
    ready.wait_until_made(send_id, _address(count - 1))
    if cancel:
        ready.cancel(campaign_id)
        ready.wait_until_ended(send_id)
    return seconds, send_id


def _post(url: str, token: str, body: bytes) -> float:
    return asyncio.run(
        rest_load.call_many(url, [rest_load.post(url, token, body)], 202, at_once=1)
    ).seconds


def _write_same_rows(database: Path, send_id: str, count: int, scratch: Path) -> float:
    """Seconds that sqlite3 alone takes for the rows of the send, in one transaction, into a table
    with the same columns and indexes."""
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        source = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        schema = [
            sql
            for (sql,) in source.execute(
                "SELECT sql FROM sqlite_master WHERE tbl_name = 'messages' AND sql IS NOT NULL "
                "ORDER BY rowid"
            )
        ]
        columns = [
            AS_PUBLISHED.get(row[1], row[1])
            for row in source.execute("PRAGMA table_info(messages)")
        ]
        # The names are our own.
        query = f"SELECT {', '.join(columns)} FROM messages WHERE send_id = ? ORDER BY id"  # noqa: S608
        rows = source.execute(query, (send_id,)).fetchall()
        source.close()
        assert len(rows) == count, len(rows)
        floor = sqlite3.connect(Path(directory) / "floor.db", isolation_level=None)
        floor.execute("PRAGMA journal_mode = WAL")
        floor.execute("PRAGMA synchronous = FULL")
        # As the service has it: with SQLite's own 2 MB the floor would be lower than it is.
        floor.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KIB}")
        for statement in schema:
            floor.execute(statement)
        started = perf_counter()
        floor.execute("BEGIN IMMEDIATE")
        # The names are our own.
        floor.executemany(f"INSERT INTO messages VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608
        floor.execute("COMMIT")
        seconds = perf_counter() - started
        floor.close()
        return seconds


@contextmanager
def _empty_service(scratch: Path) -> Iterator[str]:
    """The REST URL of a service that does nothing, behind an Envoy of its own."""
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        carillon = Installation(Path(directory))
        command = [sys.executable, "-m", "benchmarks.empty_service", str(carillon.grpc_port)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=carillon.environment
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline(), "the empty service did not start"
                with carillon.running("gateway"):
                    yield f"http://127.0.0.1:{carillon.rest_port}"
            finally:
                process.terminate()
