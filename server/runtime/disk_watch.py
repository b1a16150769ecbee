"""Watches how much of a disk is free, so that nothing new is begun that could not be finished."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from server.config import Settings

INTERVAL = 1.0
"""Seconds between looks."""

_log = logging.getLogger(__name__)


class DiskMetrics(Protocol):
    """Takes what each look finds."""

    def disk(self, free_bytes: int, *, low: bool) -> None: ...


class DiskWatch:
    """Looks at the disks of some directories, as a loop. Others ask `has_room`, which costs
    nothing."""

    name = "disk-watch"
    topics = ()

    def __init__(
        self, minimum: int, read_free: Callable[[], int], metrics: DiskMetrics | None = None
    ) -> None:
        """`minimum` is in bytes; an eighth more must be free again before there is room.
        `read_free` tells how many there are, on a thread; a disk that it cannot ask (OSError)
        stays as it was last seen."""
        self._minimum = minimum
        self._read_free = read_free
        self._metrics = metrics
        self._low = False

    def has_room(self) -> bool:
        """Whether enough was free at the last look."""
        return not self._low

    async def run_once(self) -> bool:
        """Looks. False: the next look comes with time."""
        try:
            free = await asyncio.to_thread(self._read_free)
        except OSError:
            return False
        enough = self._minimum + self._minimum // 8 if self._low else self._minimum
        self._tell(free, low=free < enough)
        return False

    async def next_due(self) -> datetime | None:
        """None: the next look comes with time."""
        return None

    def _tell(self, free: int, *, low: bool) -> None:
        if low and not self._low:
            _log.error(
                "only %d bytes are free on the disk, less than CARILLON_MIN_FREE_DISK (%d): "
                "nothing new is taken or delivered",
                free,
                self._minimum,
            )
        if self._low and not low:
            _log.warning("%d bytes are free on the disk again: the service goes on", free)
        self._low = low
        if self._metrics is not None:
            self._metrics.disk(free, low=low)


def watched_directories(settings: Settings, *, dispatches: bool) -> list[Path]:
    """Where a process writes what must not be lost: the embedded database, and what a dispatcher
    has in the data directory, its outbox too. The disk of a PostgreSQL server is its own."""
    embedded = Path(settings.effective_database_url.removeprefix("sqlite:///")).parent
    return [
        *([embedded] if settings.is_embedded else []),
        *([settings.data_dir] if dispatches else []),
    ]


def fewest_free(directories: Sequence[Path]) -> int:
    """Bytes that this user may still write to the disk of each, of the one that has the fewest.
    Raises OSError."""
    found = (os.statvfs(directory) for directory in directories)
    return min(disk.f_bavail * disk.f_frsize for disk in found)
