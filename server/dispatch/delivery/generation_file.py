"""Keeps a dispatcher's generation in a file, beside the database: written often, and whole after
any crash.

Two records of a fixed size take turns, each with a checksum and a number that grows: a write that
was torn leaves the other. The space is there from the start, so one flush makes a record durable.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Self
from zlib import crc32

NAME = "dispatcher"
_RECORD = 512
_CHECKSUM = 8


@dataclass(frozen=True, slots=True)
class Generation:
    """How far a dispatcher has come."""

    dispatcher_id: str
    number: int
    """Grows with every batch of messages that is marked; 0: none was."""
    released_at: datetime | None
    """The last release of a hold it knows of."""


class GenerationFile:
    """The file `dispatcher` in a directory, locked by this process: each further process on the
    same directory has its own, `dispatcher.2` and so on.

    All methods block, and raise OSError."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self.path = path
        self._sequence, self.found = _newest(os.pread(descriptor, 2 * _RECORD, 0))
        """`found` is what was last written; None: never anything, or nothing that is whole."""

    @classmethod
    def open(cls, directory: Path) -> Self:
        """The first file that no other process has."""
        directory.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            path = directory / (NAME if number == 1 else f"{NAME}.{number}")
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            else:
                return cls(descriptor, path)
        raise AssertionError("numbers do not end")

    def write(self, generation: Generation) -> None:
        """Returns when it is durable. A write that failed leaves what was written before."""
        is_new = not self._sequence
        if is_new:
            os.ftruncate(self._descriptor, 2 * _RECORD)
        self._sequence += 1
        os.pwrite(
            self._descriptor, _encode(self._sequence, generation), self._sequence % 2 * _RECORD
        )
        os.fsync(self._descriptor)
        if is_new:
            _flush_directory(self.path.parent)

    def close(self) -> None:
        """Lets another process have it. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _encode(sequence: int, generation: Generation) -> bytes:
    content = {
        "sequence": sequence,
        "id": generation.dispatcher_id,
        "generation": generation.number,
        "released_at": generation.released_at.isoformat() if generation.released_at else None,
    }
    text = json.dumps(content).encode().ljust(_RECORD - _CHECKSUM - 1)
    return f"{crc32(text):08x}".encode() + text + b"\n"


def _newest(both: bytes) -> tuple[int, Generation | None]:
    records = [
        record
        for record in (_decode(both[:_RECORD]), _decode(both[_RECORD:]))
        if record is not None
    ]
    return max(records, key=lambda record: record[0], default=(0, None))


def _decode(record: bytes) -> tuple[int, Generation] | None:
    checksum, text = record[:_CHECKSUM], record[_CHECKSUM:-1]
    if len(record) != _RECORD or checksum != f"{crc32(text):08x}".encode():
        return None
    content = json.loads(text)
    released_at = datetime.fromisoformat(content["released_at"]) if content["released_at"] else None
    return content["sequence"], Generation(content["id"], content["generation"], released_at)


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
