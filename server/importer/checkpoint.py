"""Keeps how far an import has come, in a file beside the one it reads, for a later run to go on
from."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from io import BufferedReader
from pathlib import Path

from server.importer.errors import ImportStopped
from server.importer.lines import Place
from server.importer.private_file import open_private

_FORMAT = 1
_HEAD_BYTES = 64 * 1024


@dataclass(slots=True)
class Counts:
    """Rows so far."""

    read: int = 0
    put: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class FileMark:
    """By what a file is known to be the same."""

    size: int
    mtime_ns: int
    head: str
    """SHA-256 of the first 64 KiB."""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """Everything before `place` is done: put and acknowledged, or in the rejects file."""

    place: Place = field(default_factory=Place)
    counts: Counts = field(default_factory=Counts)
    rejects_bytes: int = 0
    """Length of the rejects file; what is after it belongs to rows that will be read again."""


def mark_of(file: BufferedReader) -> FileMark:
    """The mark of an open regular file; its position stays."""
    state = os.fstat(file.fileno())
    head = os.pread(file.fileno(), _HEAD_BYTES, 0)
    return FileMark(state.st_size, state.st_mtime_ns, hashlib.sha256(head).hexdigest())


class Checkpoint:
    """The file of one import."""

    def __init__(self, path: Path, mark: FileMark, options: dict[str, object]) -> None:
        """`options` are those that change what a row becomes, as JSON."""
        self._path = path
        self._start = {"format": _FORMAT, "file": asdict(mark), "options": options}

    def load(self) -> ImportProgress | None:
        """Where to go on; None if there is no checkpoint. Raises ImportStopped if it is of another
        file or other options."""
        try:
            with os.fdopen(open_private(self._path, os.O_RDONLY), encoding="utf-8") as file:
                document = json.load(file)
            start = {name: document[name] for name in self._start}
            progress = ImportProgress(
                Place(**document["place"]), Counts(**document["counts"]), document["rejects_bytes"]
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise ImportStopped(
                f"{self._path} is not a checkpoint that can be read; --restart begins again"
            ) from None
        if start["file"] != self._start["file"]:
            raise ImportStopped(
                f"the file has changed since the import in {self._path} was interrupted; --restart "
                f"begins again"
            )
        if start != self._start:
            raise ImportStopped(
                f"the import in {self._path} was begun with other options: give the same, or "
                f"--restart to begin again"
            )
        return progress

    def save(self, progress: ImportProgress) -> None:
        """Replaces the checkpoint, durably: after a crash there is the old one or this one."""
        document = {
            **self._start,
            "place": asdict(progress.place),
            "counts": asdict(progress.counts),
            "rejects_bytes": progress.rejects_bytes,
        }
        beside = self._path.with_name(f"{self._path.name}.new")
        # A new file: what lies there may be a link to another, or open to others.
        beside.unlink(missing_ok=True)
        descriptor = open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)

    def remove(self) -> None:
        """The import is over, or begins again."""
        self._path.unlink(missing_ok=True)
