from __future__ import annotations

import asyncio
import traceback

import asyncpg
import pytest
from sqlalchemy import make_url, text

from storage.contract.errors import StorageFull, StorageUnavailable
from storage.contract.storage import Transaction
from storage.model.messages import Message, MessageStatus
from storage.model.sends import CancelReceipt, Counters, SendStatus
from storage.sql import migrate, open_storage
from storage.sql.delivery import cancellations
from storage.sql.dialects.driver_errors import ConnectionLost, meaning_of
from tests.support.postgres import running_postgres
from tests.support.storage import made
from tests.support.storage.blocking import Held, unless_blocked, until_blocked
from tests.support.storage.made import LEASE, MAX_ATTEMPTS, NOW, SECOND
from tests.support.storage.scene import Scene, claim_due


async def test_a_mark_waits_for_a_cancel_and_then_does_not_succeed(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    send, _ = await on_postgres.send(2)
    claimed = await on_postgres.claim()
    async with Held(on_postgres, lambda tx: tx.sends.cancel_running(send.campaign_id, NOW)):
        marking = asyncio.create_task(on_postgres.mark(claimed))
        await until_blocked(admin)
    assert await marking == set()
    assert (await on_postgres.found_send(send)).counters.cancelled == 2


async def test_a_cancel_waits_for_a_mark_and_then_leaves_the_marked_rows(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    send, _ = await on_postgres.send(2)
    claimed = await on_postgres.claim(1)
    async with Held(
        on_postgres, lambda tx: tx.messages.mark_sending(claimed, "outbox", NOW, LEASE)
    ):
        cancelling = asyncio.create_task(
            on_postgres.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
        )
        await until_blocked(admin)
    assert await cancelling == {send.id: CancelReceipt(in_flight=1, cancelled=1)}
    found = await on_postgres.found_send(send)
    assert (found.status, found.counters.in_flight, found.counters.cancelled) == (
        SendStatus.CANCELLED,
        1,
        1,
    )


async def test_a_retry_settled_while_its_send_is_being_cancelled_is_cancelled(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    send, _ = await on_postgres.send(1)
    (started,) = await on_postgres.start()
    async with Held(on_postgres, lambda tx: tx.sends.cancel_running(send.campaign_id, NOW)):
        settling = asyncio.create_task(on_postgres.finish([started], MessageStatus.PENDING))
        await until_blocked(admin)
    assert await settling == {started.id}
    assert await on_postgres.status(started) is MessageStatus.CANCELLED


@pytest.mark.parametrize("of_send", [True, False])
async def test_a_claim_takes_other_rows_than_one_that_has_not_committed_and_does_not_wait_for_it(
    on_postgres: Scene, admin: asyncpg.Connection, of_send: bool
) -> None:
    if of_send:
        await on_postgres.send(5)
    else:
        await on_postgres.storage.write(
            lambda tx: tx.messages.insert_many([made.message() for _ in range(5)])
        )
    async with Held(on_postgres, lambda tx: claim_due(tx, "email", NOW, LEASE, 3)) as held:
        others = await unless_blocked(admin, on_postgres.claim(5))
        assert len(others) == 2
        claimed: list[Message] = await held.commit()
    assert len({row.id for row in [*claimed, *others]}) == 5


async def test_a_claim_keeps_to_its_limit_whatever_plan_the_server_chooses(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    # What is left is a nested loop, which looks into its inner side anew for every row of its outer
    # one.
    for way in (
        "hashjoin",
        "mergejoin",
        "hashagg",
        "sort",
        "material",
        "memoize",
        "indexscan",
        "indexonlyscan",
        "bitmapscan",
    ):
        await admin.execute(
            f'ALTER DATABASE "{make_url(on_postgres.url).database}" SET enable_{way} = off'
        )
    await on_postgres.reopen()
    await on_postgres.send(20)
    assert len(await on_postgres.claim(3)) == 3


async def test_a_mark_waits_for_a_pause_and_then_does_not_succeed(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    send, _ = await on_postgres.send(2)
    claimed = await on_postgres.claim()
    async with Held(on_postgres, lambda tx: tx.sends.pause(send.id, NOW)):
        marking = asyncio.create_task(on_postgres.mark(claimed))
        await until_blocked(admin)
    assert await marking == set()


async def test_rows_claimed_while_their_send_is_being_paused_are_not_marked_after_the_pause(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    """The pause does not see them as leased, so only the lock of the send says that their mark
    comes after it."""
    send, _ = await on_postgres.send(2)
    (queue,) = await on_postgres.queues()
    async with Held(on_postgres, lambda tx: tx.messages.claim(queue, NOW, LEASE, 10)) as claim:
        async with Held(on_postgres, lambda tx: tx.sends.pause(send.id, NOW)):
            claimed: list[Message] = await claim.commit()
            marking = asyncio.create_task(on_postgres.mark(claimed))
            await until_blocked(admin)
        assert await marking == set()
    assert len(claimed) == 2


async def test_rows_claimed_while_a_large_send_is_being_cancelled_are_not_marked_after_the_cancel(
    on_postgres: Scene, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cancel leaves them to a later sweep, so only the lock of the send says that their mark
    comes after it."""
    monkeypatch.setattr(cancellations, "_ROWS_WITH_THE_SEND", 1)
    send, _ = await on_postgres.send(3)
    async with Held(on_postgres, lambda tx: tx.sends.cancel(send.id, NOW)):
        claimed = await on_postgres.claim()
        marking = asyncio.create_task(on_postgres.mark(claimed))
        await until_blocked(admin)
    assert await marking == set()
    assert len(claimed) == 2


async def test_rows_that_are_being_claimed_while_their_send_is_cancelled_are_cancelled(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    send, _ = await on_postgres.send(3)
    (queue,) = await on_postgres.queues()
    async with Held(on_postgres, lambda tx: tx.messages.claim(queue, NOW, LEASE, 2)) as held:
        cancelling = asyncio.create_task(
            on_postgres.storage.write(lambda tx: tx.sends.cancel(send.id, NOW))
        )
        await until_blocked(admin)
        claimed: list[Message] = await held.commit()
    assert await cancelling
    assert await on_postgres.mark(claimed) == set()
    assert (await on_postgres.found_send(send)).counters.cancelled == 3


async def test_two_sweeps_of_one_send_at_once_cancel_each_row_once(
    on_postgres: Scene, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancellations, "_ROWS_WITH_THE_SEND", 1)
    send, _ = await on_postgres.send(6)
    await on_postgres.storage.write(lambda tx: tx.sends.cancel(send.id, NOW))
    async with Held(on_postgres, lambda tx: tx.sends.sweep_cancelled(NOW, 2)) as held:
        second = asyncio.create_task(
            on_postgres.storage.write(lambda tx: tx.sends.sweep_cancelled(NOW, 2))
        )
        await until_blocked(admin)
        assert await held.commit() == 2
    assert await second == 2
    assert (await on_postgres.found_send(send)).counters == Counters(
        total=6, pending=1, cancelled=5
    )


async def test_rows_that_are_claimed_while_they_expire_are_left_to_their_worker(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    row = await on_postgres.one_off(expire_at=NOW + SECOND)
    async with Held(on_postgres, lambda tx: claim_due(tx, "email", NOW, LEASE, 10)) as held:
        expiring = asyncio.create_task(
            on_postgres.storage.write(lambda tx: tx.messages.expire(NOW + SECOND, 10))
        )
        await until_blocked(admin)
        claimed: list[Message] = await held.commit()
    assert await expiring == 0
    assert await on_postgres.status(row) is MessageStatus.LEASED
    assert await on_postgres.mark(claimed, now=NOW + SECOND) == set()


async def test_the_time_is_that_of_the_server(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    before = await admin.fetchval("SELECT clock_timestamp()")
    now = await on_postgres.storage.now()
    assert before <= now <= await admin.fetchval("SELECT clock_timestamp()")


async def test_completion_and_cancel_of_a_send_at_once_do_not_deadlock(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    for _ in range(10):
        send, _ = await on_postgres.send(2)
        started = await on_postgres.start()

        async def cancel(tx: Transaction, campaign_id: str = send.campaign_id) -> None:
            await tx.campaigns.find(campaign_id, lock=True)
            await tx.sends.cancel_running(campaign_id, NOW)

        await asyncio.gather(
            on_postgres.finish(started[:1]),
            on_postgres.storage.write(cancel),
            on_postgres.finish(started[1:]),
        )
        assert (await on_postgres.found_send(send)).completed_at is not None
    assert (
        await admin.fetchval(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        == 0
    )


async def test_a_locked_send_is_changed_by_no_other_transaction(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    send, _ = await on_postgres.send(1, done=False)

    async def add(tx: Transaction) -> None:
        await tx.sends.find(send.id, lock=True)
        await tx.messages.insert_many([made.message("late", send_id=send.id)])

    async with Held(on_postgres, add):
        cancelling = asyncio.create_task(
            on_postgres.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
        )
        await until_blocked(admin)
    await cancelling
    assert (await on_postgres.found_send(send)).counters.cancelled == 2


async def test_a_second_revision_waits_for_the_first_and_is_not_tried_twice(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    tries = 0

    async def append(tx: Transaction) -> int:
        nonlocal tries
        tries += 1
        return (await made.put_version(tx)).revision

    async with Held(on_postgres, append) as held:
        second = asyncio.create_task(on_postgres.storage.write(append))
        await until_blocked(admin)
        assert await held.commit() == 1
    assert (await second, tries) == (2, 2)


async def test_two_recoveries_at_once_find_each_row_once(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    await on_postgres.one_off()
    (started,) = await on_postgres.start()

    async def recover(tx: Transaction) -> None:
        await tx.messages.recover(
            NOW + 60 * SECOND, everything=False, key_windows={}, max_attempts=MAX_ATTEMPTS
        )

    async with Held(on_postgres, recover):
        again = asyncio.create_task(on_postgres.recover(now=NOW + 60 * SECOND, everything=False))
        await until_blocked(admin)
    assert (await again).in_doubt == 0
    assert (
        len(
            await on_postgres.storage.read(
                lambda tx: tx.messages.list_attempts(started.id, None, 10)
            )
        )
        == 1
    )


async def test_deadlocks_between_writes_are_tried_again_until_all_succeed(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    first, second = await on_postgres.campaign(), await on_postgres.campaign()
    await admin.execute(
        f"ALTER DATABASE \"{make_url(on_postgres.url).database}\" SET deadlock_timeout = '10ms'"
    )
    await on_postgres.reopen()

    async def lock_both(one: str, other: str) -> int:
        tries = 0

        async def lock(tx: Transaction) -> None:
            nonlocal tries
            tries += 1
            await tx.campaigns.find(one, lock=True)
            if tries == 1:
                await both.wait()
            await tx.campaigns.find(other, lock=True)

        await on_postgres.storage.write(lock)
        return tries

    both = asyncio.Barrier(2)
    tries = await asyncio.gather(lock_both(first.id, second.id), lock_both(second.id, first.id))
    assert sorted(tries) == [1, 2]


async def test_a_restarted_server_serves_the_next_call_and_one_that_is_down_fails_it() -> None:
    with running_postgres() as server:
        url = server.create_database()
        await migrate(url)
        storage = await open_storage(url)
        try:
            assert not storage.exclusive
            # Several connections, all of which break.
            await asyncio.gather(
                *(storage.write(lambda tx: tx.campaigns.insert(made.campaign())) for _ in range(8))
            )
            await asyncio.to_thread(server.restart)
            found = await storage.read(
                lambda tx: tx.campaigns.list_page(made.BRAND, "comms", None, None, 99)
            )
            assert len(found) == 8
            await asyncio.to_thread(server.restart)
            await asyncio.gather(
                *(storage.write(lambda tx: tx.campaigns.insert(made.campaign())) for _ in range(8))
            )
            await asyncio.to_thread(server.stop)
            with pytest.raises(StorageUnavailable):
                await storage.ping()
            with pytest.raises(StorageUnavailable):
                await storage.write(lambda tx: tx.campaigns.insert(made.campaign()))
        finally:
            await storage.close()


async def test_a_connection_that_is_killed_before_its_commit_is_replaced_and_the_write_runs_again(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    tries = 0

    async def killed_once(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await tx.campaigns.insert(made.campaign())
        if tries == 1:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state = 'idle in transaction'"
            )
        await tx.is_empty()

    await on_postgres.storage.write(killed_once)
    assert tries == 2
    assert (
        len(
            await on_postgres.storage.read(
                lambda tx: tx.campaigns.list_page("brand", "comms", None, None, 10)
            )
        )
        == 1
    )


async def test_a_wrong_password_or_database_is_told_without_a_traceback_of_the_driver(
    postgres_url: str,
) -> None:
    with pytest.raises(StorageUnavailable, match="no such database"):
        await open_storage(
            make_url(postgres_url).set(database="nowhere").render_as_string(hide_password=False)
        )
    with pytest.raises(StorageUnavailable):
        await open_storage("postgresql://nobody:nothing@127.0.0.1:1/nowhere")


async def test_both_spellings_of_the_url_are_understood(postgres_url: str) -> None:
    storage = await open_storage(postgres_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    await storage.ping()
    await storage.close()


async def test_no_address_is_in_the_text_or_chain_of_an_error(on_postgres: Scene) -> None:
    send, _ = await on_postgres.send(1, done=False)
    twice = made.message("person-0000", send_id=send.id)
    with pytest.raises(Exception, match="uq_messages_audience") as caught:
        await on_postgres.storage.write(lambda tx: tx.messages.insert_many([twice]))
    assert twice.recipient not in "".join(traceback.format_exception(caught.value))


async def test_a_connection_that_the_driver_finds_unusable_is_a_lost_one(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    """It says so in errors of its own, without a SQLSTATE. One of them would be taken for a refusal
    for good, and the result of a call that was to be written would be lost."""
    url = make_url(on_postgres.url)
    other = await asyncpg.connect(user=url.username, database=url.database, host=url.query["host"])
    await admin.execute("SELECT pg_advisory_lock(1)")
    waiting = asyncio.create_task(other.execute("SELECT pg_advisory_lock(1)"))
    await asyncio.sleep(0)
    with pytest.raises(asyncpg.InterfaceError) as busy:
        await other.execute("SELECT 1")
    await admin.execute("SELECT pg_advisory_unlock(1)")
    await waiting
    await other.close()
    with pytest.raises(asyncpg.InterfaceError) as closed:
        await other.execute("SELECT 1")
    in_between = asyncpg.InternalClientError(
        "cannot switch to state 12; another operation (2) is in progress"
    )
    for error in (busy.value, closed.value, in_between):
        assert isinstance(meaning_of(error), ConnectionLost)
    with pytest.raises(asyncpg.DataError) as refused:
        await admin.fetch("SELECT $1::int", "x")
    assert not isinstance(meaning_of(refused.value), StorageUnavailable)


async def test_a_full_disk_of_the_server_is_told_apart_and_nothing_is_written(
    on_postgres: Scene,
) -> None:
    full = "DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$"

    async def write_and_fail(tx: Transaction) -> None:
        await tx.campaigns.insert(made.campaign())
        await tx.campaigns._connection.execute(text(full))  # type: ignore[attr-defined]

    with pytest.raises(StorageFull):
        await on_postgres.storage.write(write_and_fail)
    assert not await on_postgres.storage.read(
        lambda tx: tx.campaigns.list_page("brand", "comms", None, None, 100)
    )
    await on_postgres.campaign()
