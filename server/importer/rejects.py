"""Writes rows that were not put, each with its line and the reasons, to a file of JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.domain.errors import FieldViolation
from server.importer.errors import ImportStopped
from server.importer.private_file import open_private
from server.importer.rows import Row


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not put, and why."""

    row: Row
    reasons: Sequence[FieldViolation]


class Rejects:
    """The file; made when there is something to write, for its owner only: it holds what the rows
    held."""

    def __init__(self, path: Path, length: int) -> None:
        """Keeps the first `length` bytes of what is there; removes the file if that is nothing.
        Raises ImportStopped if there is less."""
        self.path = path
        self.length = length
        if not length:
            path.unlink(missing_ok=True)
        elif not _cut(path, length):
            raise ImportStopped(
                f"{path} is not as the interrupted import left it; --restart begins again"
            )

    def append(self, rejects: Iterable[Reject]) -> None:
        """Adds the rows, durably."""
        data = "".join(
            f"{json.dumps(_document(reject), ensure_ascii=False)}\n" for reject in rejects
        ).encode(errors="replace")
        if not data:
            return
        descriptor = open_private(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with os.fdopen(descriptor, "ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self.length += len(data)


def _cut(path: Path, length: int) -> bool:
    """Cuts the file to the length; False if it is shorter, or not there."""
    try:
        descriptor = open_private(path, os.O_WRONLY)
    except FileNotFoundError:
        return False
    with os.fdopen(descriptor, "ab"):
        if os.fstat(descriptor).st_size < length:
            return False
        os.ftruncate(descriptor, length)
    return True


def _document(reject: Reject) -> dict[str, object]:
    row = reject.row
    return {
        "line": row.line,
        "reasons": [
            {"field": reason.field, "message": reason.message} for reason in reject.reasons
        ],
        "row": row.values if row.fault is None else row.raw,
    }
