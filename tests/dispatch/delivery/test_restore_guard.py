"""A database from the past holds sent messages as pending: delivery is held until somebody
decides."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from server.dispatch.delivery.generation_file import Generation, GenerationFile
from server.dispatch.delivery.restore_guard import BEHIND, DeliveryHeld, RestoreGuard
from storage.contract.errors import StorageUnavailable
from storage.contract.storage import Transaction
from storage.model.audit import INSTALLATION, AuditAction
from storage.model.dispatchers import Hold
from storage.model.messages import MessageStatus
from tests.support.dispatch.outage import Outage
from tests.support.dispatch.recorded_metrics import RecordedMetrics
from tests.support.dispatch.stage import Stage

LATER = 10.0


async def hold_of(stage: Stage) -> Hold:
    return await stage.storage.read(lambda tx: tx.dispatchers.find_hold())


async def is_held(stage: Stage) -> bool:
    return (await hold_of(stage)).held_at is not None


async def release(stage: Stage) -> None:
    now = stage.clock.advance(LATER)
    await stage.storage.write(lambda tx: tx.dispatchers.release("operator", now))


async def generation_of(stage: Stage) -> int | None:
    found = written(stage)
    assert found is not None
    return await stage.storage.read(lambda tx: tx.dispatchers.find_generation(found.dispatcher_id))


def written(stage: Stage) -> Generation | None:
    """What the file says, as somebody else reads it."""
    copy = stage.directory / "copy"
    copy.mkdir(exist_ok=True)
    shutil.copy(stage.directory / "dispatcher", copy / "dispatcher")
    file = GenerationFile.open(copy)
    file.close()
    return file.found


async def nothing(_: Transaction) -> None:
    """A mark of no message."""


async def old_database(stage: Stage, generation: int) -> None:
    """The database as it was when the dispatcher had come so far."""
    found = written(stage)
    assert found is not None
    await stage.storage.write(lambda tx: tx.dispatchers.adopt(found.dispatcher_id, generation))


async def marked(stage: Stage, times: int) -> None:
    for _ in range(times):
        await stage.guard.write(nothing)


async def test_the_file_follows_every_mark_before_its_provider_is_called(stage: Stage) -> None:
    seen: list[tuple[int, int | None]] = []

    async def look(_: object) -> None:
        found = written(stage)
        assert found is not None
        seen.append((found.number, await generation_of(stage)))

    stage.email.witness = look
    await stage.message()
    await stage.run(stage.workers())
    assert seen == [(1, 1)]


async def test_a_database_behind_the_file_is_held_before_anything_is_claimed(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await marked(stage, 3)
    await old_database(stage, 2)
    message = await stage.message()
    await stage.start_guard()
    assert await is_held(stage)
    await stage.run(stage.workers())
    assert (stage.email.calls, await stage.status(message)) == ([], MessageStatus.PENDING)
    assert stage.metrics.holds[-1] is True
    assert any("carillon release --i-understand" in text for text in caplog.messages)
    (entry,) = await stage.storage.read(lambda tx: tx.audit.list_page(INSTALLATION, None, None, 10))
    assert (entry.actor, entry.action, entry.details) == (
        "carillon",
        AuditAction.DELIVERY_HELD,
        {"reason": BEHIND},
    )


async def test_a_database_that_is_put_back_under_a_running_dispatcher_is_held_and_nothing_marked(
    stage: Stage,
) -> None:
    await marked(stage, 3)
    message = await stage.message()
    workers = stage.workers()
    await old_database(stage, 1)
    await stage.run(workers)
    assert await is_held(stage)
    found = await stage.found(message)
    assert (stage.email.calls, found.status, found.attempts) == ([], MessageStatus.PENDING, 0)
    assert await workers.next_due() is None


async def test_a_restart_that_fits_is_not_held(stage: Stage) -> None:
    await marked(stage, 3)
    await stage.crash()
    assert not await is_held(stage)
    await marked(stage, 1)
    assert await generation_of(stage) == 4


async def test_after_a_release_a_running_dispatcher_goes_on(stage: Stage) -> None:
    await marked(stage, 3)
    await old_database(stage, 1)
    message = await stage.message()
    workers = stage.workers()
    await stage.run(workers)
    await release(stage)
    await stage.run(workers)
    assert await stage.fate(message) == ("sent", None)
    found = written(stage)
    assert found is not None
    assert (await generation_of(stage), found.released_at) == (found.number, stage.clock.now())


async def test_after_a_release_a_restarted_dispatcher_goes_on(stage: Stage) -> None:
    await marked(stage, 3)
    await old_database(stage, 1)
    await stage.start_guard()
    assert await is_held(stage)
    await release(stage)
    await stage.crash()
    assert not await is_held(stage)
    await marked(stage, 1)


async def test_a_release_of_another_ones_hold_does_not_hold_a_dispatcher_that_fits(
    stage: Stage,
) -> None:
    await marked(stage, 3)
    now = stage.clock.now()
    await stage.storage.write(lambda tx: tx.dispatchers.hold("another is behind", now))
    with pytest.raises(DeliveryHeld):
        await stage.guard.write(nothing)
    await release(stage)
    await stage.guard.write(nothing)
    assert not await is_held(stage)


async def test_a_release_counts_once(stage: Stage) -> None:
    await marked(stage, 1)
    await release(stage)
    await marked(stage, 1)
    found = written(stage)
    assert found is not None
    # The backup was made after that release, and before this dispatcher went on.
    await forget(stage)
    await stage.start_guard()
    assert await is_held(stage)


async def forget(stage: Stage) -> None:
    """The database loses its generations, and knows of no later release."""
    seen = (await hold_of(stage)).released_at
    assert seen is not None
    await stage.storage.write(lambda tx: tx.dispatchers.release("operator", seen))


async def test_a_commit_whose_answer_was_lost_does_not_hold(stage: Stage) -> None:
    outage = Outage(stage.storage)
    stage.storage = outage
    await stage.start_guard()
    outage.loses_answer_of = outage.writes + 1
    with pytest.raises(StorageUnavailable):
        await stage.guard.write(nothing)
    await marked(stage, 1)
    outage.loses_answer_of = outage.writes + 1
    with pytest.raises(StorageUnavailable):
        await stage.guard.write(nothing)
    await stage.start_guard()
    await marked(stage, 1)
    assert not await is_held(stage)


async def test_a_copy_of_the_database_at_another_place_is_held(
    stage_on_sqlite: Stage, tmp_path: Path
) -> None:
    stage = stage_on_sqlite
    await marked(stage, 1)
    stage.directory = tmp_path / "elsewhere"
    await stage.start_guard()
    assert await is_held(stage)
    await release(stage)
    await stage.crash()
    assert not await is_held(stage)


async def test_a_further_dispatcher_on_a_shared_database_is_not_held(
    stage_on_postgres: Stage, tmp_path: Path
) -> None:
    stage = stage_on_postgres
    await marked(stage, 1)
    stage.directory = tmp_path / "elsewhere"
    await stage.start_guard()
    await marked(stage, 1)
    assert not await is_held(stage)


async def test_a_file_that_cannot_be_written_lets_nobody_be_called(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await stage.message()
    workers = stage.workers()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("server.dispatch.delivery.generation_file.os.pwrite", full)
        with pytest.raises(OSError, match="No space"):
            await workers.run_once()
    found = await stage.found(message)
    assert (stage.email.calls, found.status, found.attempts) == ([], MessageStatus.PENDING, 0)
    await stage.run(workers)
    assert await stage.fate(message) == ("sent", None)


async def test_marks_of_several_channels_at_once_all_count(stage: Stage) -> None:
    async def mark() -> None:
        await stage.guard.write(nothing)
        found = written(stage)
        assert found is not None
        numbers.append(found.number)

    numbers: list[int] = []
    await asyncio.gather(*(mark() for _ in range(10)))
    assert await generation_of(stage) == 10
    # Whoever was answered found a file that knew of its mark.
    assert all(number >= place + 1 for place, number in enumerate(sorted(numbers)))


async def test_while_held_the_loops_idle_and_in_app_waits(stage: Stage) -> None:
    await stage.template("in_app")
    await marked(stage, 2)
    await old_database(stage, 1)
    message = await stage.message(channel="in_app")
    await stage.start_guard()
    workers = stage.inbox_worker()
    assert not await workers.run_once()
    assert (await workers.next_due(), await stage.inbox()) == (None, [])
    await release(stage)
    await stage.run(workers)
    assert await stage.fate(message) == ("sent", None)


async def test_a_hold_and_its_end_are_told(stage: Stage) -> None:
    metrics = RecordedMetrics()
    guard = RestoreGuard(stage.storage, stage.clock, stage.directory / "own", metrics)
    await guard.start()
    now = stage.clock.now()
    await stage.storage.write(lambda tx: tx.dispatchers.hold("why", now))
    assert not await guard.run_once()
    await release(stage)
    assert not await guard.run_once()
    assert metrics.holds == [False, True, False]
    guard.close()


def test_a_file_says_what_was_written_last(tmp_path: Path) -> None:
    file = GenerationFile.open(tmp_path)
    assert file.found is None
    for number in range(5):
        file.write(Generation("id", number, None))
        file.close()
        file = GenerationFile.open(tmp_path)
        assert file.found == Generation("id", number, None)
    file.close()


def test_a_write_that_was_torn_leaves_what_was_there_before(tmp_path: Path) -> None:
    file = GenerationFile.open(tmp_path)
    for number in (1, 2, 3):
        file.write(Generation("id", number, None))
    content = bytearray(file.path.read_bytes())
    file.close()
    for at, left in ((600, 2), (50, 3)):
        torn = bytearray(content)
        torn[at] ^= 0xFF
        file.path.write_bytes(torn)
        again = GenerationFile.open(tmp_path)
        again.close()
        assert again.found is not None
        assert again.found.number == left


def test_each_process_on_a_directory_has_a_file_of_its_own(tmp_path: Path) -> None:
    first, second = GenerationFile.open(tmp_path), GenerationFile.open(tmp_path)
    assert (first.path.name, second.path.name) == ("dispatcher", "dispatcher.2")
    first.close()
    third = GenerationFile.open(tmp_path)
    assert third.path.name == "dispatcher"
    second.close()
    third.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = GenerationFile.open(tmp_path / "new")
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.close()
