"""The service under measurement: a process of its own, on free ports, in a directory that is thrown away."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """Where the service is, and a token for the brand `demo`."""

    grpc: str
    rest: str
    token: str
    data_dir: Path
    pid: int


@contextmanager
def running(data_dir: Path | None = None, database_url: str = "") -> Iterator[Target]:
    """`carillon serve` with its defaults; on SQLite WAL and synchronous=FULL. Without a directory, in one that is thrown away."""
    with tempfile.TemporaryDirectory() as throw_away:
        directory = str(data_dir or throw_away)
        rest, grpc, admin = _free_ports(3)
        environment = os.environ | {
            "CARILLON_DATA_DIR": directory,
            "CARILLON_DATABASE_URL": database_url,
            "CARILLON_REST_PORT": str(rest),
            "CARILLON_GRPC_PORT": str(grpc),
            "CARILLON_ENVOY_ADMIN_PORT": str(admin),
        }
        carillon = [sys.executable, "-m", "server"]
        with subprocess.Popen([*carillon, "serve"], env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("Ctrl-C"):
                    break
            token = subprocess.check_output([*carillon, "token", "--brand", "demo"], env=environment, text=True).strip()
            try:
                yield Target(f"127.0.0.1:{grpc}", f"http://127.0.0.1:{rest}", token, Path(directory), process.pid)
            finally:
                process.terminate()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
