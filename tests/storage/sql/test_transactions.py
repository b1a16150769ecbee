from __future__ import annotations

import asyncio
import gc
from datetime import UTC

import pytest

from storage.contract.errors import StorageError, StorageUnavailable, WriteConflict
from storage.contract.signals import AUDIENCES, CAMPAIGNS, PROGRESS, messages
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.messages import MessageStatus
from storage.sql import open_storage
from tests.support.storage import made
from tests.support.storage.made import NOW
from tests.support.storage.scene import Scene


async def all_campaigns(scene: Scene) -> list[Campaign]:
    return await scene.storage.read(
        lambda tx: tx.campaigns.list_page("brand", "comms", None, None, 1000)
    )


async def test_an_error_takes_back_all_writes_of_its_transaction_and_reaches_the_caller(
    scene: Scene,
) -> None:
    async def fail(tx: Transaction) -> None:
        await tx.campaigns.insert(made.campaign())
        await tx.segments.insert(made.segment())
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await scene.storage.write(fail)
    assert await scene.storage.read(lambda tx: tx.is_empty())


async def test_a_transaction_sees_its_own_writes(scene: Scene) -> None:
    campaign = made.campaign()

    async def insert_and_find(tx: Transaction) -> Campaign | None:
        await tx.campaigns.insert(campaign)
        return await tx.campaigns.find(campaign.id)

    assert await scene.storage.write(insert_and_find) == campaign


async def test_a_transaction_that_hides_the_error_of_a_statement_does_not_commit(
    scene: Scene,
) -> None:
    taken = await scene.campaign()

    async def hide(tx: Transaction) -> None:
        await tx.campaigns.insert(made.campaign())
        with pytest.raises(WriteConflict):
            await tx.campaigns.insert(taken)

    with pytest.raises(StorageError):
        await scene.storage.write(hide)
    assert await all_campaigns(scene) == [taken]


async def test_a_read_cannot_write(scene: Scene) -> None:
    with pytest.raises(StorageError):
        await scene.storage.read(lambda tx: tx.campaigns.insert(made.campaign()))
    assert await scene.storage.read(lambda tx: tx.is_empty())


async def test_a_read_sees_one_moment_whatever_is_written_meanwhile(scene: Scene) -> None:
    """Writes go on while reads run: in every read, two looks at the same thing agree."""
    stop = asyncio.Event()

    async def keep_writing() -> None:
        while not stop.is_set():
            await scene.campaign()

    async def look_twice(tx: Transaction) -> tuple[int, int]:
        first = await tx.campaigns.list_page("brand", "comms", None, None, 1000)
        return len(first), len(await tx.campaigns.list_page("brand", "comms", None, None, 1000))

    writing = asyncio.create_task(keep_writing())
    looks: list[tuple[int, int]] = []
    while len({first for first, _ in looks}) < 25:
        looks.append(await scene.storage.read(look_twice))
    stop.set()
    await writing
    assert all(first == second for first, second in looks)


async def test_a_cancelled_caller_does_not_cut_its_transaction(scene: Scene) -> None:
    campaigns = [made.campaign() for _ in range(300)]

    async def insert_all(tx: Transaction) -> None:
        for campaign in campaigns:
            await tx.campaigns.insert(campaign)

    caller = asyncio.create_task(scene.storage.write(insert_all))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await scene.storage.close()
    reopened = await open_storage(scene.url)
    try:
        assert (
            len(
                await reopened.read(
                    lambda tx: tx.campaigns.list_page("brand", "comms", None, None, 1000)
                )
            )
            == 300
        )
    finally:
        await reopened.close()


async def test_an_error_whose_caller_has_gone_away_is_no_fault_to_log(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(tx: Transaction) -> None:
        await tx.is_empty()
        raise KeyError("mine")

    caller = asyncio.create_task(scene.storage.write(fail))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await scene.storage.close()
    gc.collect()
    assert caplog.records == []


async def test_a_cancelled_caller_does_not_take_the_answers_of_others(scene: Scene) -> None:
    campaigns = [made.campaign() for _ in range(20)]
    callers = [
        asyncio.create_task(scene.storage.write(lambda tx, each=each: tx.campaigns.insert(each)))  # type: ignore[misc]
        for each in campaigns
    ]
    await asyncio.sleep(0)
    for caller in callers[::2]:
        caller.cancel()
    results = await asyncio.wait_for(asyncio.gather(*callers, return_exceptions=True), 20)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False] * 10
    await scene.storage.ping()
    assert {each.id for each in await all_campaigns(scene)} >= {each.id for each in campaigns[1::2]}


async def test_close_waits_for_running_transactions_and_may_be_repeated(scene: Scene) -> None:
    writes = [asyncio.create_task(scene.campaign()) for _ in range(20)]
    await asyncio.sleep(0)
    await scene.storage.close()
    await asyncio.gather(*writes)
    await scene.storage.close()
    with pytest.raises(StorageUnavailable):
        await scene.storage.read(lambda tx: tx.is_empty())
    with pytest.raises(StorageUnavailable):
        await scene.storage.write(lambda tx: tx.campaigns.insert(made.campaign()))


async def test_what_was_written_is_there_when_opened_again(scene: Scene) -> None:
    campaign = await scene.campaign()
    await scene.storage.close()
    reopened = await open_storage(scene.url)
    try:
        assert await reopened.read(lambda tx: tx.campaigns.find(campaign.id)) == campaign
    finally:
        await reopened.close()


async def test_a_database_that_answers_answers_a_ping(scene: Scene) -> None:
    await scene.storage.ping()
    await scene.storage.close()
    with pytest.raises(StorageUnavailable):
        await scene.storage.ping()


async def test_the_time_is_an_instant_in_utc_and_is_not_told_by_a_closed_database(
    scene: Scene,
) -> None:
    first, second = await scene.storage.now(), await scene.storage.now()
    assert first.tzinfo is UTC
    assert first <= second
    await scene.storage.close()
    with pytest.raises(StorageUnavailable):
        await scene.storage.now()


async def test_a_signal_fires_after_its_transaction_has_committed(scene: Scene) -> None:
    seen: list[int] = []

    async def look(fired: asyncio.Event) -> None:
        await fired.wait()
        seen.append(len(await scene.storage.read(lambda tx: tx.campaigns.list_due(NOW, 10))))

    with scene.storage.signals.subscribe(CAMPAIGNS) as fired:
        looking = asyncio.create_task(look(fired))
        await scene.campaign(status=CampaignStatus.SCHEDULED, scheduled_at=NOW)
        await looking
    assert seen == [1]


async def test_a_transaction_that_fails_fires_nothing(scene: Scene) -> None:
    async def fail(tx: Transaction) -> None:
        await tx.messages.insert_unless_duplicate(made.message())
        raise KeyError

    with scene.storage.signals.subscribe(messages("email")) as fired:
        with pytest.raises(KeyError):
            await scene.storage.write(fail)
        await scene.storage.ping()
        assert not fired.is_set()


async def test_rows_that_become_pending_fire_their_channel_and_no_other(scene: Scene) -> None:
    with (
        scene.storage.signals.subscribe(messages("email")) as email,
        scene.storage.signals.subscribe(messages("sms")) as sms,
    ):
        await scene.one_off()
        assert email.is_set()
        email.clear()
        await scene.send(1)
        assert email.is_set()
        email.clear()
        claimed = await scene.claim()
        assert not email.is_set()
        await scene.finish(claimed[:1], MessageStatus.PENDING, expected=MessageStatus.LEASED)
        assert email.is_set()
        email.clear()
        await scene.recover()
        assert email.is_set()
        assert not sms.is_set()


async def test_every_change_of_a_send_fires_progress(scene: Scene) -> None:
    with (
        scene.storage.signals.subscribe(PROGRESS) as progress,
        scene.storage.signals.subscribe(AUDIENCES) as audiences,
    ):

        def fired() -> bool:
            was = progress.is_set()
            progress.clear()
            return was

        send, _ = await scene.send(2, done=False)
        assert audiences.is_set()
        assert fired()
        claimed = await scene.claim()
        assert not fired()
        await scene.mark(claimed)
        assert fired()
        await scene.finish(claimed[:1])
        assert fired()
        await scene.storage.write(
            lambda tx: tx.sends.advance_audience(send.id, None, done=True, now=NOW)
        )
        assert fired()
        await scene.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
        assert fired()
