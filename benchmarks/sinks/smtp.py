"""A mail server that takes everything at once: the provider of the lines that call one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

HERE = Path(__file__).absolute().parent


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the server took."""

    message_id: str
    real: float
    """When its MAIL command arrived, in seconds since 1970."""
    monotonic: float
    """The same by the clock of `time.monotonic`."""


@dataclass(frozen=True)
class Sink:
    """A running server."""

    port: int
    log: Path
    written_in: str

    @property
    def settings(self) -> dict[str, str]:
        """What makes Carillon send email there."""
        return {"CARILLON_SMTP_URL": f"smtp://127.0.0.1:{self.port}"}

    def taken(self, count: int, patience: float = 60.0) -> list[Taken]:
        """What it has taken since it started, once that is at least so many. Raises
        TimeoutError."""
        end = time.monotonic() + patience
        while True:
            # Without what is only half written.
            lines = self.log.read_text("utf-8").rpartition("\n")[0].splitlines()
            if len(lines) >= count:
                parts = [line.split() for line in lines]
                return [
                    Taken(message_id, int(real) / 1e9, int(monotonic) / 1e9)
                    for message_id, real, monotonic in parts
                ]
            if time.monotonic() > end:
                raise TimeoutError(f"{len(lines)} of {count} messages came")
            time.sleep(0.05)


@contextmanager
def running_sink(scratch: Path) -> Iterator[Sink]:
    """A server until the block ends."""
    program, written_in = _program(scratch)
    log = Path(mkdtemp(dir=scratch)) / "taken.log"
    with subprocess.Popen([*program, str(log)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Sink(int(process.stdout.readline()), log, written_in)
        finally:
            process.terminate()


@cache
def _program(scratch: Path) -> tuple[list[str], str]:
    """The server in C if there is a compiler, else in Python."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return [sys.executable, str(HERE / "python_sink.py")], "Python"
    program = scratch / "smtp_sink"
    subprocess.run([compiler, "-O2", "-o", str(program), str(HERE / "smtp_sink.c")], check=True)
    return [str(program)], "C"
