from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
import threading
from collections.abc import Awaitable
from functools import partial
from pathlib import Path

import pytest

from storage.contract.errors import (
    DatabaseInUse,
    StorageError,
    StorageFull,
    StorageUnavailable,
    WriteConflict,
)
from storage.contract.storage import Transaction
from storage.sql import migrate, open_storage
from storage.sql.sqlite import turns
from tests.support.storage import made
from tests.support.storage.scene import Scene

ROOT = Path(__file__).parents[4]

WRITER = """
import asyncio, sys
from storage.sql import open_storage
from tests.support.storage import made

async def main(url):
    storage = await open_storage(url)
    async def keep_writing():
        while True:
            message = made.message()
            await storage.write(lambda tx: tx.messages.insert_unless_duplicate(message))
            print(message.id, flush=True)
    await asyncio.gather(*(keep_writing() for _ in range(8)))

asyncio.run(main(sys.argv[1]))
"""


def database_of(scene: Scene) -> Path:
    return Path(scene.url.removeprefix("sqlite:///"))


async def test_writers_at_the_same_time_share_a_commit_and_a_failing_one_harms_no_other(
    on_sqlite: Scene,
) -> None:
    taken = await on_sqlite.campaign()
    good = [made.campaign() for _ in range(60)]

    async def fail(tx: Transaction) -> None:
        await tx.campaigns.insert(made.campaign())
        raise KeyError

    async def conflict(tx: Transaction) -> None:
        await tx.campaigns.insert(made.campaign())
        await tx.campaigns.insert(taken)

    writes = [
        on_sqlite.storage.write(lambda tx, each=each: tx.campaigns.insert(each))  # type: ignore[misc]
        for each in good
    ]
    writes[20:20] = [on_sqlite.storage.write(fail), on_sqlite.storage.write(conflict)]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(results[20], KeyError)
    assert isinstance(results[21], WriteConflict)
    assert [result for result in results if result is not None] == results[20:22]
    found = await on_sqlite.storage.read(
        lambda tx: tx.campaigns.list_page("brand", "comms", None, None, 1000)
    )
    assert {each.id for each in found} == {taken.id, *(each.id for each in good)}


async def test_transactions_run_again_for_a_neighbour_have_one_effect_and_see_what_they_saw(
    on_sqlite: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sql.sqlite.group_commit._LONGEST_GROUP_SECONDS", 60)
    runs: list[str] = []

    async def add_and_count(tx: Transaction, name: str) -> int:
        runs.append(name)
        await tx.campaigns.insert(made.campaign(name=name))
        return len(await tx.campaigns.list_page("brand", "comms", None, None, 1000))

    async def fail(tx: Transaction) -> None:
        await add_and_count(tx, "fails")
        raise KeyError

    def together(tx: Transaction) -> Awaitable[int]:
        """Runs while the others wait, so that they come into one transaction with it."""
        holding.set()
        release.wait()
        return add_and_count(tx, "0")

    holding, release = threading.Event(), threading.Event()
    first = asyncio.create_task(on_sqlite.storage.write(together))
    await asyncio.to_thread(holding.wait)
    names = ["1", "2", "fails", "3", "fails", "4"]
    others = [
        asyncio.create_task(
            on_sqlite.storage.write(fail if name == "fails" else partial(add_and_count, name=name))
        )
        for name in names
    ]
    await asyncio.sleep(0)
    release.set()
    results = await asyncio.gather(first, *others, return_exceptions=True)
    assert [result if isinstance(result, int) else type(result) for result in results] == [
        1,
        2,
        3,
        KeyError,
        4,
        KeyError,
        5,
    ]
    assert runs == ["0", "1", "2", "fails", "0", "1", "2", "3", "fails", "4"]
    found = await on_sqlite.storage.read(
        lambda tx: tx.campaigns.list_page("brand", "comms", None, None, 1000)
    )
    assert sorted(each.name for each in found) == ["0", "1", "2", "3", "4"]


async def test_a_transaction_that_fails_before_it_wrote_makes_no_other_run_again(
    on_sqlite: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sql.sqlite.group_commit._LONGEST_GROUP_SECONDS", 60)
    runs: list[str] = []
    holding, release = threading.Event(), threading.Event()

    async def write(tx: Transaction) -> None:
        holding.set()
        release.wait()
        runs.append("write")
        await tx.campaigns.insert(made.campaign())

    async def refuse(tx: Transaction) -> None:
        runs.append("refuse")
        await tx.is_empty()
        raise KeyError

    first = asyncio.create_task(on_sqlite.storage.write(write))
    await asyncio.to_thread(holding.wait)
    second = asyncio.create_task(on_sqlite.storage.write(refuse))
    await asyncio.sleep(0)
    release.set()
    await first
    with pytest.raises(KeyError):
        await second
    assert runs == ["write", "refuse"]


@pytest.mark.parametrize("access", ["read", "write"])
async def test_a_transaction_that_awaits_anything_else_is_refused(
    on_sqlite: Scene, access: str
) -> None:
    async def wait(tx: Transaction) -> None:
        await tx.is_empty()
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="only the methods of its transaction"):
        await getattr(on_sqlite.storage, access)(wait)
    await on_sqlite.campaign()


async def test_one_process_owns_the_file(on_sqlite: Scene) -> None:
    assert on_sqlite.storage.exclusive
    with pytest.raises(DatabaseInUse, match=str(database_of(on_sqlite))):
        await open_storage(on_sqlite.url)
    with pytest.raises(DatabaseInUse):
        await migrate(on_sqlite.url)
    await on_sqlite.storage.close()
    await (await open_storage(on_sqlite.url)).close()


async def test_what_was_acknowledged_survives_a_kill_and_the_file_is_free_at_once(
    sqlite_url: str,
) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        sqlite_url,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=environment,
    )
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(200)]
    process.kill()
    lines += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    # The last line may be cut.
    acknowledged = [line.decode().strip() for line in lines if line.endswith(b"\n")]
    assert len(acknowledged) >= 200
    storage = await open_storage(sqlite_url)
    try:
        for message_id in acknowledged:
            assert (
                await storage.read(lambda tx, message_id=message_id: tx.messages.find(message_id))  # type: ignore[misc]
                is not None
            )
    finally:
        await storage.close()


async def test_a_full_disk_fails_the_write_and_the_next_one_that_fits_succeeds(
    on_sqlite: Scene,
) -> None:
    fits = await on_sqlite.campaign()
    # A file system that is full, without one.
    writer = on_sqlite.storage._writer._driver  # type: ignore[attr-defined]
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageFull):
        await on_sqlite.campaign(name="x" * 1_000_000)
    together = await asyncio.gather(
        *(on_sqlite.campaign(name=f"{number}" * 1_000_000) for number in range(3)),
        return_exceptions=True,
    )
    assert [type(each) for each in together] == [StorageFull] * 3
    found = await on_sqlite.storage.read(
        lambda tx: tx.campaigns.list_page("brand", "comms", None, None, 100)
    )
    assert [each.id for each in found] == [fits.id]
    writer.execute("PRAGMA max_page_count = 1000000")
    await on_sqlite.campaign(name="x" * 1_000_000)
    assert await on_sqlite.found_campaign(fits.id) == fits


async def test_what_shares_a_commit_with_what_does_not_fit_is_told_that_there_is_no_room(
    on_sqlite: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long the test takes, its transactions may share a commit.
    monkeypatch.setattr(turns, "_SLOW_SECONDS", 60)
    writer = on_sqlite.storage._writer._driver  # type: ignore[attr-defined]
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")
    begun, may_go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def hold(tx: Transaction) -> None:
        loop.call_soon_threadsafe(begun.set)
        may_go_on.wait(10)

    holding = asyncio.create_task(on_sqlite.storage.write(hold))
    await begun.wait()
    writes = [asyncio.create_task(on_sqlite.campaign(name=name)) for name in ("a", "x" * 1_000_000)]
    await asyncio.sleep(0)
    may_go_on.set()
    # What held the thread shares their commit, unless it held it for long.
    results = await asyncio.gather(*writes, holding, return_exceptions=True)
    assert [type(result) for result in results[:2]] == [StorageFull] * 2
    writer.execute("PRAGMA max_page_count = 1000000")
    assert not await on_sqlite.storage.read(
        lambda tx: tx.campaigns.list_page("brand", "comms", None, None, 100)
    )
    await on_sqlite.campaign()


async def test_a_failed_commit_fails_every_write_in_it_and_writes_nothing(on_sqlite: Scene) -> None:
    async def break_commit(tx: Transaction) -> None:
        # A foreign key that is checked at the commit only, to fail it.
        tx.sends._connection._connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")  # type: ignore[attr-defined]
        await tx.sends.insert(made.send("nobody"))

    writes = [on_sqlite.storage.write(break_commit), *(on_sqlite.campaign() for _ in range(5))]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(results[0], StorageUnavailable)
    failed = [result for result in results[1:] if isinstance(result, StorageUnavailable)]
    found = await on_sqlite.storage.read(
        lambda tx: tx.campaigns.list_page("brand", "comms", None, None, 100)
    )
    assert len(found) == 5 - len(failed)
    await on_sqlite.campaign()


async def test_a_file_locked_by_another_program_fails_writes_until_it_lets_go(
    on_sqlite: Scene,
) -> None:
    # Not to wait for five seconds.
    on_sqlite.storage._writer._driver.execute("PRAGMA busy_timeout = 10")  # type: ignore[attr-defined]
    other = sqlite3.connect(database_of(on_sqlite), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    results = await asyncio.gather(
        *(on_sqlite.campaign() for _ in range(5)), return_exceptions=True
    )
    assert [type(result) for result in results] == [StorageUnavailable] * 5
    other.execute("ROLLBACK")
    other.close()
    await on_sqlite.campaign()


async def test_readers_do_not_wait_for_a_long_write(on_sqlite: Scene) -> None:
    """A write that cannot end before a read has ended."""
    loop = asyncio.get_running_loop()

    def read_meanwhile() -> bool:
        return asyncio.run_coroutine_threadsafe(
            on_sqlite.storage.read(lambda tx: tx.is_empty()), loop
        ).result(10)

    async def write(tx: Transaction) -> bool:
        await tx.campaigns.insert(made.campaign())
        return read_meanwhile()

    assert await on_sqlite.storage.write(write)


async def test_a_missing_directory_and_file_are_made_for_their_owner_only(tmp_path: Path) -> None:
    database = tmp_path / "deep" / "data" / "carillon.db"
    await migrate(f"sqlite:///{database}")
    assert stat.S_IMODE(database.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    storage = await open_storage(f"sqlite:///{database}")
    await storage.write(lambda tx: tx.campaigns.insert(made.campaign()))
    assert {stat.S_IMODE(path.stat().st_mode) for path in database.parent.iterdir()} == {0o600}
    await storage.close()


async def test_the_file_is_safe_against_power_loss(on_sqlite: Scene) -> None:
    # Settings of a connection show only on it.
    writer = on_sqlite.storage._writer._driver  # type: ignore[attr-defined]
    settings = {
        name: writer.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_a_relative_path_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await migrate("sqlite:///var/carillon.db")
    assert (tmp_path / "var" / "carillon.db").exists()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://host/name", "nonsense", ""]
)
async def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(StorageError):
        await open_storage(url)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "carillon.db"
    file.write_text("not a database " * 1000)
    with pytest.raises(StorageUnavailable, match="not a database"):
        await open_storage(f"sqlite:///{file}")


async def test_beside_its_owner_a_database_is_read_and_written_and_both_lose_nothing(
    on_sqlite: Scene,
) -> None:
    beside = await open_storage(on_sqlite.url, beside=True)
    assert (on_sqlite.storage.exclusive, beside.exclusive) == (True, False)
    given = [made.campaign() for _ in range(200)]
    writes = [
        (beside if number % 4 == 0 else on_sqlite.storage).write(
            lambda tx, each=each: tx.campaigns.insert(each)  # type: ignore[misc]
        )
        for number, each in enumerate(given)
    ]
    await asyncio.gather(*writes)
    await beside.close()
    found = await on_sqlite.storage.read(
        lambda tx: tx.campaigns.list_page("brand", "comms", None, None, 1000)
    )
    assert {each.id for each in found} == {each.id for each in given}
    with pytest.raises(DatabaseInUse):
        await open_storage(on_sqlite.url)
