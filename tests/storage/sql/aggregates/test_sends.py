from __future__ import annotations

import pytest
from sqlalchemy import update

from storage.contract.errors import StorageError
from storage.contract.storage import Transaction
from storage.model.campaigns import CampaignStatus
from storage.model.messages import Message, MessageStatus
from storage.model.sends import CancelReceipt, Counters, SendStatus
from storage.sql.schema.messages import messages
from tests.support.storage import made
from tests.support.storage.made import LEASE, NOW, SECOND
from tests.support.storage.scene import Scene


async def test_every_field_of_a_send_comes_back_as_it_was_given(scene: Scene) -> None:
    campaign = await scene.campaign()
    given = made.send(
        campaign.id,
        subject="S",
        variables={"a": 1.0},
        criteria={"==": [{"var": "x"}, 1]},
        audience_cursor="m",
        paused_at=NOW + SECOND,
        expire_at=NOW + 2 * SECOND,
        parent_send_id="parent",
        retries_unknown=True,
        pruned=True,
    )
    await scene.storage.write(lambda tx: tx.sends.insert(given))
    assert await scene.found_send(given) == given
    assert await scene.storage.write(lambda tx: tx.sends.find(given.id, lock=True)) == given
    assert await scene.storage.read(lambda tx: tx.sends.find_many([given.id, "nobody"])) == {
        given.id: given
    }
    assert await scene.storage.read(lambda tx: tx.sends.find("nobody")) is None


async def test_a_send_needs_its_campaign(scene: Scene) -> None:
    with pytest.raises(StorageError):
        await scene.storage.write(lambda tx: tx.sends.insert(made.send("nobody")))


async def test_sends_of_a_campaign_are_listed_newest_first(scene: Scene) -> None:
    campaign = await scene.campaign()
    given = [made.send(campaign.id) for _ in range(3)]
    for send in given:
        await scene.storage.write(lambda tx, send=send: tx.sends.insert(send))  # type: ignore[misc]
    await scene.send(1)
    newest_first = given[::-1]
    assert (
        await scene.storage.read(lambda tx: tx.sends.list_page(campaign.id, None, 2))
        == newest_first[:2]
    )
    assert (
        await scene.storage.read(lambda tx: tx.sends.list_page(campaign.id, newest_first[1].id, 2))
        == newest_first[2:]
    )


async def test_sends_to_resolve_are_those_sending_whose_audience_is_not_done_oldest_first(
    scene: Scene,
) -> None:
    first, _ = await scene.send(1, done=False)
    second, _ = await scene.send(1, done=False)
    cancelled, _ = await scene.send(1, done=False)
    await scene.send(1)
    await scene.storage.write(lambda tx: tx.sends.cancel_running(cancelled.campaign_id, NOW))
    assert await scene.storage.read(lambda tx: tx.sends.list_resolving(10)) == [first.id, second.id]
    assert await scene.storage.read(lambda tx: tx.sends.list_resolving(1)) == [first.id]


async def test_a_send_to_nobody_completes_at_once(scene: Scene) -> None:
    send, _ = await scene.send(0)
    found = await scene.found_send(send)
    assert (found.status, found.completed_at, found.counters) == (
        SendStatus.COMPLETED,
        NOW,
        Counters(),
    )
    assert (await scene.found_campaign(send.campaign_id)).status is CampaignStatus.SENT


async def test_a_send_of_skips_only_completes_at_once(scene: Scene) -> None:
    send = made.send((await scene.campaign(status=CampaignStatus.SENDING)).id)

    async def insert(tx):  # type: ignore[no-untyped-def]
        await tx.sends.insert(send)
        await tx.messages.insert_many([made.skip(send.id), made.skip(send.id)])
        await tx.sends.advance_audience(send.id, None, done=True, now=NOW)

    await scene.storage.write(insert)
    found = await scene.found_send(send)
    assert (found.status, found.counters) == (SendStatus.COMPLETED, Counters(total=2, skipped=2))


async def test_a_send_made_with_its_audience_done_completes_when_all_its_rows_are_skips(
    scene: Scene,
) -> None:
    send = made.send((await scene.campaign(status=CampaignStatus.SENDING)).id, audience_done=True)
    await scene.storage.write(lambda tx: tx.sends.insert(send))
    await scene.storage.write(lambda tx: tx.messages.insert_many([made.skip(send.id)]))
    assert (await scene.found_send(send)).status is SendStatus.COMPLETED


async def test_advancing_moves_the_cursor_and_does_not_complete(scene: Scene) -> None:
    send, _ = await scene.send(0, done=False)
    await scene.storage.write(
        lambda tx: tx.sends.advance_audience(send.id, "m", done=False, now=NOW)
    )
    found = await scene.found_send(send)
    assert (found.audience_cursor, found.audience_done, found.status) == (
        "m",
        False,
        SendStatus.SENDING,
    )


async def test_cancelling_ends_pending_and_leased_rows_and_leaves_what_is_with_the_provider(
    scene: Scene,
) -> None:
    send, _ = await scene.send(4, done=False)
    (sent,) = await scene.start(1)
    await scene.finish([sent])
    (sending,) = await scene.start(1)
    (leased,) = await scene.claim(1)
    receipts = await scene.storage.write(
        lambda tx: tx.sends.cancel_running(send.campaign_id, NOW + SECOND)
    )
    assert receipts == {send.id: CancelReceipt(sent=1, in_flight=1, cancelled=2)}
    found = await scene.found_send(send)
    assert (found.status, found.completed_at, found.audience_done) == (
        SendStatus.CANCELLED,
        None,
        True,
    )
    assert found.counters == Counters(total=4, in_flight=1, sent=1, cancelled=2)
    row = await scene.found(leased)
    assert (row.status, row.cancelled_at) == (MessageStatus.CANCELLED, NOW + SECOND)
    assert await scene.mark([leased]) == set()
    assert await scene.claim() == []
    await scene.settle(made.settlement(sending, MessageStatus.SENT), now=NOW + 2 * SECOND)
    found = await scene.found_send(send)
    assert (found.status, found.completed_at) == (SendStatus.CANCELLED, NOW + 2 * SECOND)
    assert found.counters == Counters(total=4, sent=2, cancelled=2)


async def test_a_cancelled_send_with_nothing_in_flight_is_complete_at_once(scene: Scene) -> None:
    send, _ = await scene.send(2)
    await scene.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
    found = await scene.found_send(send)
    assert (found.status, found.completed_at) == (SendStatus.CANCELLED, NOW)


async def test_a_drained_cancelled_send_does_not_turn_its_campaign_to_sent(scene: Scene) -> None:
    send, _ = await scene.send(1)
    (sending,) = await scene.start()
    await scene.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
    await scene.finish([sending])
    assert (await scene.found_campaign(send.campaign_id)).status is CampaignStatus.SENDING


async def test_a_retry_of_a_cancelled_send_is_cancelled_instead(scene: Scene) -> None:
    send, _ = await scene.send(1)
    (sending,) = await scene.start()
    await scene.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
    assert await scene.settle(
        made.settlement(sending, MessageStatus.PENDING, due_at=NOW), now=NOW + SECOND
    ) == {sending.id}
    found = await scene.found(sending)
    assert (found.status, found.cancelled_at) == (MessageStatus.CANCELLED, NOW + SECOND)
    assert await scene.claim(now=NOW + 60 * SECOND) == []
    assert (await scene.found_send(send)).completed_at == NOW + SECOND


async def test_cancelling_again_finds_nothing_running(scene: Scene) -> None:
    send, _ = await scene.send(1)
    await scene.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
    before = await scene.found_send(send)
    assert (
        await scene.storage.write(
            lambda tx: tx.sends.cancel_running(send.campaign_id, NOW + SECOND)
        )
        == {}
    )
    assert await scene.found_send(send) == before


async def test_cancelling_one_campaign_leaves_others(scene: Scene) -> None:
    send, _ = await scene.send(1)
    _, (other,) = await scene.send(1)
    await scene.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
    assert await scene.status(other) is MessageStatus.PENDING


async def test_a_campaign_is_sent_only_when_no_send_of_it_is_running(scene: Scene) -> None:
    first, _ = await scene.send(1)
    second = made.send(first.campaign_id)
    await scene.storage.write(lambda tx: tx.sends.insert(second))
    await scene.finish(await scene.start())
    assert (await scene.found_send(first)).status is SendStatus.COMPLETED
    assert (await scene.found_campaign(first.campaign_id)).status is CampaignStatus.SENDING
    await scene.storage.write(
        lambda tx: tx.sends.advance_audience(second.id, None, done=True, now=NOW)
    )
    assert (await scene.found_campaign(first.campaign_id)).status is CampaignStatus.SENT


async def test_rows_without_an_attempt_take_another_revision_when_they_are_claimed(
    scene: Scene,
) -> None:
    send, _ = await scene.send(3)
    refused, *_ = await scene.start(1)
    attempt = made.attempt(refused, "rejected")
    await scene.finish([refused], MessageStatus.PENDING, attempt=attempt)
    held, waits = [row for row in await scene.claim() if row.id != refused.id]
    await scene.storage.write(lambda tx: tx.sends.pause(send.id, NOW))
    # Of a claim that began before the pause.
    await scene.storage.write(lambda tx: lease(tx, held))
    await scene.storage.write(lambda tx: tx.sends.change_revision(send.id, 2))
    await scene.storage.write(lambda tx: tx.sends.resume(send.id))
    assert await scene.mark([held]) == set()
    revisions = {row.id: row.template_revision for row in await scene.claim()}
    assert revisions == {refused.id: 1, held.id: 2, waits.id: 2}
    counts = await scene.storage.read(lambda tx: tx.messages.count_by_reason(send.id))
    assert [(row.template_revision, row.count) for row in counts] == [(1, 1), (2, 2)]


async def lease(tx: Transaction, row: Message) -> None:
    """Puts a row under the lease that it had."""
    await tx.sends._connection.execute(  # type: ignore[attr-defined]
        update(messages)
        .where(messages.c.id == row.id)
        .values(status=MessageStatus.LEASED, lease_expires_at=LEASE)
    )
