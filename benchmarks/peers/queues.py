"""Job queues draining jobs that do nothing: the work of a queue alone, with the concurrency that
did best."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.environment import HERE, PATIENCE, Peers
from benchmarks.service import free_ports

BULLMQ_CONCURRENCY = 100
CELERY_CONCURRENCY = 2
PROCRASTINATE_CONCURRENCY = 20
START_SECONDS = 10


@contextmanager
def running_redis(peers: Peers, scratch: Path) -> Iterator[int]:
    """The port of a Redis that keeps nothing on disk, which is to its users' advantage."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        command = [
            peers.redis_server,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            directory,
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                _wait_for(peers, port)
                yield port
            finally:
                process.terminate()


def bullmq(redis_port: int, jobs: int) -> float:
    """Jobs a second."""
    command = [
        "node",
        str(HERE / "bullmq.mjs"),
        str(redis_port),
        str(jobs),
        str(BULLMQ_CONCURRENCY),
    ]
    return float(subprocess.check_output(command, text=True, timeout=PATIENCE))


def celery(peers: Peers, redis_port: int, jobs: int) -> float:
    """Jobs a second, by a process for each of two cores."""
    return float(peers.run("celery_peer", str(redis_port), str(jobs), str(CELERY_CONCURRENCY)))


def procrastinate(peers: Peers, database_url: str, jobs: int) -> float:
    """Jobs a second."""
    return float(
        peers.run("procrastinate_peer", database_url, str(jobs), str(PROCRASTINATE_CONCURRENCY))
    )


def _wait_for(peers: Peers, port: int) -> None:
    script = "import sys, redis; redis.Redis(port=int(sys.argv[1])).ping()"
    end = time.monotonic() + START_SECONDS
    while subprocess.run(
        [peers.python, "-c", script, str(port)], stderr=subprocess.DEVNULL, check=False
    ).returncode:
        if time.monotonic() > end:
            raise TimeoutError("Redis did not start")
