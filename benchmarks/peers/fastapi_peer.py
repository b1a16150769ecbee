"""Runs the FastAPI peer under uvicorn."""

from __future__ import annotations

import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.environment import Peers
from benchmarks.service import ROOT, free_ports

START_SECONDS = 30


@contextmanager
def running_fastapi(peers: Peers, scratch: Path) -> Iterator[str]:
    """The URL to post messages to. One worker, as there is one process of ours; no access log."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        environment = peers.environment | {"BENCH_DATABASE": str(Path(directory) / "peer.db")}
        arguments = ["--port", str(port), "--no-access-log", "--log-level", "warning"]
        command = [
            peers.python,
            "-m",
            "uvicorn",
            "benchmarks.peers.fastapi_service:app",
            *arguments,
        ]
        with subprocess.Popen(command, env=environment, cwd=ROOT) as process:
            try:
                _wait_for(f"http://127.0.0.1:{port}/openapi.json")
                yield f"http://127.0.0.1:{port}/v1/messages/schedule"
            finally:
                process.terminate()


def _wait_for(url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url):  # noqa: S310 - our own URL
                return
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
