"""Celery on Redis draining jobs that do nothing.

`python -m benchmarks.peers.celery_peer <redis port> <jobs> <concurrency>` prints jobs a second,
from the first that a worker takes to the last that is acknowledged.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from celery import Celery
from redis import Redis

PORT_VARIABLE = "BENCH_REDIS_PORT"
QUEUE, UNACKNOWLEDGED = "celery", "unacked"
POLL_INTERVAL = 0.005

app = Celery("noop", broker=f"redis://127.0.0.1:{os.environ.get(PORT_VARIABLE, '6379')}/0")
app.conf.update(
    task_ignore_result=True, worker_prefetch_multiplier=64, broker_connection_retry_on_startup=True
)


@app.task
def noop(number: int) -> None:
    """Does nothing."""


def main(port: int, jobs: int, concurrency: int) -> None:
    """Fills the queue, then lets a worker empty it."""
    redis = Redis(port=port)
    app.conf.broker_url = f"redis://127.0.0.1:{port}/0"
    for number in range(jobs):
        noop.delay(number)
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "benchmarks.peers.celery_peer",
        "worker",
        "--loglevel=ERROR",
    ]
    options = [
        f"--concurrency={concurrency}",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]
    environment = os.environ | {PORT_VARIABLE: str(port), "C_FORCE_ROOT": "1"}
    with subprocess.Popen(
        [*command, *options], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as worker:
        while redis.llen(QUEUE) == jobs:
            assert worker.poll() is None, "the worker did not start"
            time.sleep(POLL_INTERVAL)
        started = time.perf_counter()
        while redis.llen(QUEUE) or redis.hlen(UNACKNOWLEDGED):
            time.sleep(POLL_INTERVAL)
        print(jobs / (time.perf_counter() - started))
        worker.terminate()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
