"""Opens what an import reads: a file, which this import has to itself, or standard input."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from server.importer.errors import ImportStopped

STDIN = "-"
FORMATS = ("csv", "jsonl")


@dataclass(frozen=True, slots=True)
class ImportSource:
    """An open file."""

    file: BufferedReader
    path: Path | None
    """None if it cannot be read again: standard input, or a pipe."""
    size: int | None
    """In bytes, if that is known."""


@contextmanager
def open_source(name: str) -> Iterator[ImportSource]:
    """Opens a file by name. Raises ImportStopped if it cannot be had, or another import has it."""
    if name == STDIN:
        with open(sys.stdin.fileno(), "rb", closefd=False) as file:
            yield ImportSource(file, None, None)
        return
    try:
        opened = Path(name).open("rb")  # noqa: SIM115  # closed below
    except OSError as error:
        raise ImportStopped(f"cannot read {name}: {error.strerror}") from None
    with opened as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            yield ImportSource(file, None, None)
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ImportStopped(f"another import of {name} is running") from None
        yield ImportSource(file, Path(name), state.st_size)


def format_of(name: str, given: str | None) -> str:
    """The format given, or else the one that the file's name ends in. Raises ImportStopped if that
    is none."""
    suffix = Path(name).suffix.lower().removeprefix(".")
    if given is None and suffix not in FORMATS:
        raise ImportStopped(
            f"cannot tell the format of {'standard input' if name == STDIN else name}: give "
            f"--format csv or --format jsonl"
        )
    return given or suffix
