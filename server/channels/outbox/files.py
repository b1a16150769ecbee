"""Writes messages to files, so that a crash leaves each of them whole or not at all. All of this
blocks: call it in a thread."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from server.channels.provider import Delivery, Outcome
from server.domain.delivery.retry import ErrorClass

_ACCEPTED = Delivery(Outcome.ACCEPTED)
_NOT_WRITTEN = Delivery(Outcome.REJECTED, "outbox_write_failed", error_class=ErrorClass.UNREACHABLE)
_PERHAPS_WRITTEN = Delivery(Outcome.AMBIGUOUS, "outbox_write_failed")

Entry = tuple[str, bytes]
"""A message id and what to write for it."""


class BatchWriter(Protocol):
    """Writes several messages at the cost of one flush to disk."""

    def prepare(self) -> None:
        """Makes the directories. Raises OSError."""

    def write(self, entries: Sequence[Entry]) -> list[Delivery]:
        """One delivery per entry, in order. What is accepted is on disk."""


class FilePerMessage:
    """Writes `<directory>/<message id><suffix>`. The same message again takes the place of its
    file: it is never there twice."""

    def __init__(self, directory: Path, suffix: str) -> None:
        self._directory = directory
        self._suffix = suffix

    def prepare(self) -> None:
        # `parents=True` would not give the mode to the parent.
        self._directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory.mkdir(mode=0o700, exist_ok=True)

    def write(self, entries: Sequence[Entry]) -> list[Delivery]:
        deliveries = [self._write_one(message_id, content) for message_id, content in entries]
        try:
            _flush_directory(self._directory)
        except OSError:
            return [
                _PERHAPS_WRITTEN if each.outcome is Outcome.ACCEPTED else each
                for each in deliveries
            ]
        return deliveries

    def _write_one(self, message_id: str, content: bytes) -> Delivery:
        path = self._directory / f"{message_id}{self._suffix}"
        temporary = self._directory / f".{message_id}.{uuid.uuid4().hex}.tmp"
        try:
            _write_and_flush(temporary, content)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            return _NOT_WRITTEN
        return _ACCEPTED


class LinePerMessage:
    """Writes one line per message at the end of a file, which others may write to as well."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, entries: Sequence[Entry]) -> list[Delivery]:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return [_NOT_WRITTEN] * len(entries)
        try:
            return [self._append(file, b"".join(line + b"\n" for _, line in entries))] * len(
                entries
            )
        finally:
            os.close(file)

    def _append(self, file: int, lines: bytes) -> Delivery:
        try:
            before = os.fstat(file).st_size
            torn = before > 0 and os.pread(file, 1, before - 1) != b"\n"
            # A line that a full disk or a crash cut short must not swallow the next one.
            whole = b"\n" + lines if torn else lines
            written = os.write(file, whole)
        except OSError:
            return _NOT_WRITTEN
        try:
            os.fsync(file)
            if before == 0:
                _flush_directory(self._path.parent)
        except OSError:
            return _PERHAPS_WRITTEN
        return _ACCEPTED if written == len(whole) else _PERHAPS_WRITTEN


def _write_and_flush(path: Path, content: bytes) -> None:
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
    ) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
