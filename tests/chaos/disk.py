"""A disk that is full, and later has room again.

The file system is a small one in memory, mounted in namespaces of the kernel that need no
privileges; the error is the real one. What runs there is a process of its own: `python -m
tests.chaos.disk sqlite|postgres DIRECTORY TIMES`, which prints the outcome.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time

from tests.chaos.ending import run_to_its_end
from tests.chaos.load import Load
from tests.chaos.outcome import Outcome, gaps
from tests.chaos.site import AUDIENCE, RATE, Site, site_on
from tests.support.carillon import REPOSITORY
from tests.support.postgres import running_postgres

ROOM = {"sqlite": "24m", "postgres": "48m"}
"""For the database that is under test, with its log on SQLite; PostgreSQL's log is elsewhere, since
a full one ends the server."""
MINIMUM = str(1 << 20)
"""What must be free for the service to take anything new."""
REFUSALS = 20
"""Answers `later` to wait for while there is no room."""
REFUSED = (503, "storage_full", "there is too little room to take anything new; try again later")
PATIENCE = 60.0
"""Seconds within which a disk that is full must be noticed."""
# The outer namespace may mount; in the inner one the process is nobody special again, as PostgreSQL
# insists on.
_MOUNT = (
    'mount -t tmpfs -o size="$1",mode=700 none "$2" && shift 2 && exec unshare --user '
    '--map-user=1000 --map-group=1000 "$@"'
)
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNT, "sh")


async def namespaces_work() -> bool:
    """Whether this machine lets a process have a file system of its own."""
    if shutil.which("unshare") is None:
        return False
    with TemporaryDirectory() as directory:
        process = await asyncio.create_subprocess_exec(
            *_NAMESPACE, "1m", directory, "true", stderr=PIPE
        )
        await process.communicate()
    return process.returncode == 0


async def disk_full(directory: Path, kind: str, times: int) -> Outcome:
    """The disk of an SQLite or PostgreSQL database is full so many times while callers ask on."""
    small = directory / "var"
    small.mkdir(mode=0o700)
    arguments = ("-m", "tests.chaos.disk", kind, str(directory), str(times))
    process = await asyncio.create_subprocess_exec(
        *_NAMESPACE, ROOM[kind], str(small), sys.executable, *arguments,
        cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY}/generated"},
        stdout=PIPE,
    )  # fmt: skip
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode == 0, f"ended with status {process.returncode}"
    return Outcome.from_json(printed.splitlines()[-1])


async def fill_again_and_again(site: Site, small: Path, times: int) -> Outcome:
    """Under load. Nothing of Carillon ends, so nothing may be in doubt: results wait in memory for
    room."""
    load, emptied = site.load, []
    async with load.running(rate=RATE, size=AUDIENCE, pause=1.0):
        for _ in range(times):
            with no_room_in(small):
                await _refused(load, REFUSALS)
            emptied.append(time())
            await site.peer.took(len(site.peer.entries()) + AUDIENCE)
    outcome = await site.reckon()
    outcome.kills = times
    outcome.recoveries = gaps(emptied, site.peer.entries())
    outcome.notes = [
        f"refused with {answer}" for answer in load.client.refusals if answer != REFUSED
    ]
    return outcome


@contextmanager
def no_room_in(directory: Path) -> Iterator[None]:
    """Takes all the room there is, and what comes free meanwhile, until the block ends."""
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            _fill(file.fileno(), b"\0" * size)
    try:
        yield
    finally:
        ballast.unlink()


def _fill(file: int, block: bytes) -> None:
    try:
        while os.write(file, block) == len(block):
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


async def _refused(load: Load, more: int) -> None:
    enough = load.client.refusals.total() + more
    async with asyncio.timeout(PATIENCE):
        await load.client.refused(enough)


async def _on_sqlite(directory: Path, times: int) -> Outcome:
    async with site_on(directory, min_free_disk=MINIMUM) as site:
        return await fill_again_and_again(site, directory / "var", times)


async def _on_postgres(directory: Path, times: int) -> Outcome:
    with running_postgres(durable=True) as server:
        (directory / "var" / "tables").mkdir()
        url = server.create_database(directory=directory / "var" / "tables")
        async with site_on(directory, url, dispatchers=2, min_free_disk=MINIMUM) as site:
            return await fill_again_and_again(site, directory / "var", times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=sorted(ROOM))
    parser.add_argument("directory", type=Path)
    parser.add_argument("times", type=int)
    arguments = parser.parse_args()
    run = {"sqlite": _on_sqlite, "postgres": _on_postgres}[arguments.kind]
    print(run_to_its_end(run(arguments.directory, arguments.times)).to_json())


if __name__ == "__main__":
    main()
