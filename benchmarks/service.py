"""The service under measurement: real processes, on free ports, in a directory that is thrown
away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from server.api.policies import all_scopes
from server.config import Settings
from server.domain.clock import SystemClock
from server.identity.tokens import tokens_of

ROOT = Path(__file__).absolute().parent.parent
BRAND = "demo"
STARTED = {"serve": "Ctrl-C", "api": "ready", "dispatcher": "ready", "gateway": "ready"}
"""What a process says when it can be used."""
STOP_SECONDS = 30


@dataclass(frozen=True)
class Target:
    """Where the service is, and a token for the brand `demo`."""

    grpc: str
    rest: str
    token: str
    data_dir: Path
    pid: int


@dataclass
class Installation:
    """A data directory, a database and ports; processes are started on them."""

    data_dir: Path
    database_url: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    """By environment variable, on top of the defaults."""

    def __post_init__(self) -> None:
        self.rest_port, self.grpc_port = free_ports(2)
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "generated")]),
            "CARILLON_DATA_DIR": str(self.data_dir),
            "CARILLON_DATABASE_URL": self.database_url,
            "CARILLON_REST_PORT": str(self.rest_port),
            "CARILLON_GRPC_PORT": str(self.grpc_port),
            "CARILLON_LOG_LEVEL": "error",
            **self.settings,
        }

    @contextmanager
    def running(self, command: str) -> Iterator[int]:
        """A process of `carillon <command>` until the block ends; its process id."""
        log = self.data_dir / f"{command}.log"
        with (
            log.open("a", encoding="utf-8") as errors,
            subprocess.Popen(
                [sys.executable, "-m", "server", command],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            ) as process,
        ):
            try:
                _wait_for(process, STARTED[command], log)
                yield process.pid
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()

    def target(self, pid: int) -> Target:
        """Where it is, with a new token."""
        tokens = tokens_of(Settings(data_dir=self.data_dir), SystemClock(), may_create=True)
        token = tokens.mint("bench", [BRAND], all_scopes())
        return Target(
            f"127.0.0.1:{self.grpc_port}",
            f"http://127.0.0.1:{self.rest_port}",
            token,
            self.data_dir,
            pid,
        )


@contextmanager
def running(
    data_dir: Path | None = None, database_url: str = "", settings: Mapping[str, str] | None = None
) -> Iterator[Target]:
    """`carillon serve` with its defaults; on SQLite WAL and synchronous=FULL. Without a directory,
    in one that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="carillon-bench-") as throw_away:
        installation = Installation(data_dir or Path(throw_away), database_url, settings or {})
        with installation.running("serve") as pid:
            yield installation.target(pid)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_for(process: subprocess.Popen[str], word: str, log: Path) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    raise RuntimeError(f"{process.args!r} ended with {process.wait()}: {log.read_text('utf-8')}")
