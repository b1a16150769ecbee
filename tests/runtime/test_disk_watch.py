"""The watch over the disk: when there is room, and what it says."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from server.config import Settings
from server.runtime.disk_watch import DiskWatch, fewest_free, watched_directories

MINIMUM = 800


class Disk:
    """A disk with as much free as a test says."""

    def __init__(self) -> None:
        self.free: int | None = 1000
        self.told: list[tuple[int, bool]] = []

    def __call__(self) -> int:
        if self.free is None:
            raise OSError("no such directory")
        return self.free

    def disk(self, free_bytes: int, *, low: bool) -> None:
        self.told.append((free_bytes, low))


async def test_it_begins_below_the_minimum_and_ends_when_an_eighth_more_is_free(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "server.runtime.disk_watch")
    disk = Disk()
    watch = DiskWatch(MINIMUM, disk, disk)
    rooms = []
    for free in (800, 799, 500, 800, 899, None, 900, 800):
        disk.free = free
        assert not await watch.run_once()
        rooms.append(watch.has_room())
    assert rooms == [True, False, False, False, False, False, True, True]
    assert [low for _, low in disk.told] == [False, True, True, True, True, False, False]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "CARILLON_MIN_FREE_DISK" in caplog.records[0].getMessage()


def test_free_is_what_an_ordinary_user_may_write_to_the_fullest_disk(tmp_path: Path) -> None:
    mine = os.statvfs(tmp_path)
    # Of a file system in memory that is read-only or empty there is less than of a disk.
    assert 0 <= fewest_free([tmp_path]) <= mine.f_blocks * mine.f_frsize
    assert fewest_free([tmp_path, Path("/proc")]) == 0
    with pytest.raises(OSError, match="nowhere"):
        fewest_free([tmp_path / "nowhere"])


def test_what_is_watched_is_the_embedded_database_and_what_a_dispatcher_writes(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    embedded = Settings(data_dir=data, database_url=f"sqlite:///{tmp_path}/other/carillon.db")
    server = Settings(data_dir=data, database_url="postgresql://nobody@127.0.0.1/nothing")
    assert watched_directories(embedded, dispatches=False) == [tmp_path / "other"]
    assert watched_directories(embedded, dispatches=True) == [tmp_path / "other", data]
    assert watched_directories(server, dispatches=True) == [data]
    assert watched_directories(server, dispatches=False) == []
