"""What a provider took: a line for each delivery, on disk before the provider says so.

Written by a process that shares nothing with Carillon, so that it is to be believed when the two
disagree.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One delivery that was taken."""

    message_id: str
    begun: float
    """Seconds since 1970 when the first word of the delivery arrived."""
    at: float
    """Seconds since 1970 when it was taken."""
    connection: int
    """Number of the connection it came over."""
    replayed: bool = False
    """Its idempotency key was known: the first answer was given again and nothing was delivered."""


class LedgerWriter:
    """Appends lines; those that come in while one batch is being synced go out together in the
    next."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._disk = ThreadPoolExecutor(1)
        self._waiting: list[tuple[Entry, Callable[[], None]]] = []
        self._writing = False

    def append(self, entry: Entry, then: Callable[[], None]) -> None:
        """Calls `then`, on the event loop, when the line is on disk."""
        self._waiting.append((entry, then))
        if not self._writing:
            self._write_waiting()

    def _write_waiting(self) -> None:
        batch, self._waiting = self._waiting, []
        self._writing = bool(batch)
        if batch:
            text = "".join(f"{json.dumps(asdict(entry))}\n" for entry, _ in batch)
            written = asyncio.get_running_loop().run_in_executor(
                self._disk, self._sync, text.encode()
            )
            written.add_done_callback(partial(self._synced, batch))

    def _sync(self, lines: bytes) -> None:
        os.write(self._file, lines)
        os.fsync(self._file)

    def _synced(
        self, batch: Iterable[tuple[Entry, Callable[[], None]]], written: asyncio.Future[None]
    ) -> None:
        written.result()
        for _, then in batch:
            then()
        self._write_waiting()


def read_ledger(path: Path) -> list[Entry]:
    """The lines that are there; one that is being written is left out."""
    if not path.exists():
        return []
    return [
        Entry(**json.loads(line))
        for line in path.read_bytes().splitlines(keepends=True)
        if line.endswith(b"\n")
    ]
