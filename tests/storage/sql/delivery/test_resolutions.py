"""Messages of unknown outcome: listing them, and what an operator decides."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from storage.contract.signals import PROGRESS
from storage.contract.signals import messages as messages_topic
from storage.model.campaigns import CampaignStatus
from storage.model.ids import new_id
from storage.model.messages import Attempt, Message, MessageStatus, Resolution, UnknownMessage
from storage.model.sends import Counters, SendStatus
from tests.support.storage import made
from tests.support.storage.blocking import Held, until_blocked
from tests.support.storage.made import BRAND, NOW, SECOND
from tests.support.storage.scene import Scene

LATER = NOW + 60 * SECOND


async def in_doubt(scene: Scene, count: int = 1) -> list[Message]:
    """Starts so many messages that are due, and leaves them unknown; as they are then."""
    started = await scene.start(count)
    assert len(await scene.finish(started, MessageStatus.UNKNOWN, reason="in_doubt")) == count
    return [await scene.found(message) for message in started]


async def unknown_one_off(scene: Scene, **more: Any) -> Message:
    await scene.one_off(**more)
    (message,) = await in_doubt(scene)
    return message


async def listed(
    scene: Scene,
    send_id: str | None = None,
    after: str | None = None,
    limit: int = 100,
    brand_id: str = BRAND,
) -> list[UnknownMessage]:
    return await scene.storage.read(
        lambda tx: tx.messages.list_unknown(brand_id, send_id, after, limit)
    )


async def resolve(
    scene: Scene,
    messages: Sequence[Message],
    resolution: Resolution,
    now: datetime = LATER,
    brand_id: str = BRAND,
) -> list[Message]:
    ids = [message.id for message in messages]
    return await scene.storage.write(
        lambda tx: tx.messages.resolve_unknown(brand_id, ids, resolution, now)
    )


async def test_unknown_messages_of_a_brand_are_listed_newest_first_and_page_by_page(
    scene: Scene,
) -> None:
    send, _ = await scene.send(2)
    of_send = await in_doubt(scene, 2)
    one_off = await unknown_one_off(scene)
    await unknown_one_off(scene, brand_id="other")
    await scene.one_off()
    await scene.send(1)
    newest_first = [one_off, *sorted(of_send, key=lambda message: message.id, reverse=True)]
    assert [each.message for each in await listed(scene)] == newest_first
    assert [each.message for each in await listed(scene, limit=2)] == newest_first[:2]
    assert [
        each.message for each in await listed(scene, after=newest_first[1].id, limit=2)
    ] == newest_first[2:]
    assert [each.message for each in await listed(scene, send.id)] == newest_first[1:]
    assert await listed(scene, send.id, brand_id="other") == []


async def test_an_unknown_message_is_listed_with_the_last_call_made_for_it(scene: Scene) -> None:
    without = await unknown_one_off(scene, person_id="bob")
    await scene.one_off()
    (started,) = await scene.start()
    first, last = (
        made.attempt(started, "ambiguous", number=number, reason=f"call {number}")
        for number in (1, 2)
    )
    await scene.settle(made.settlement(started, MessageStatus.PENDING, due_at=NOW, attempt=first))
    (again,) = await scene.start()
    await scene.settle(
        made.settlement(again, MessageStatus.UNKNOWN, reason="timeout", attempt=last)
    )
    expected: dict[str, Attempt | None] = {without.id: None, started.id: last}
    assert {each.message.id: each.attempt for each in await listed(scene)} == expected


async def test_messages_resolved_to_sent_or_failed_say_so_and_are_counted(scene: Scene) -> None:
    send, _ = await scene.send(4)
    sent, failed, left, _ = await in_doubt(scene, 4)
    assert await resolve(scene, [sent], Resolution.SENT) == [sent]
    assert await resolve(scene, [failed], Resolution.FAILED) == [failed]
    row = await scene.found(sent)
    assert (row.status, row.sent_at, row.failure_reason) == (MessageStatus.SENT, LATER, None)
    row = await scene.found(failed)
    assert (row.status, row.sent_at, row.failure_reason) == (
        MessageStatus.FAILED,
        None,
        "resolved_failed",
    )
    assert await scene.found(left) == left
    found = await scene.found_send(send)
    assert found.counters == Counters(total=4, sent=1, failed=1, unknown=2)
    assert (found.status, found.completed_at) == (SendStatus.COMPLETED, NOW)


async def test_a_message_to_resend_is_pending_due_now_and_in_doubt_and_keeps_its_lease_and_attempts(
    scene: Scene,
) -> None:
    message = await unknown_one_off(scene)
    assert await resolve(scene, [message], Resolution.RESEND) == [message]
    row = await scene.found(message)
    assert (row.status, row.due_at, row.in_doubt, row.failure_reason) == (
        MessageStatus.PENDING,
        LATER,
        True,
        None,
    )
    assert (row.lease, row.attempts, row.first_sending_at, row.scheduled_at) == (
        message.lease,
        1,
        None,
        NOW,
    )
    assert await scene.claim(now=LATER - SECOND) == []
    (claimed,) = await scene.claim(now=LATER, until=LATER + 30 * SECOND)
    assert claimed.lease == message.lease + 1


async def test_resolved_messages_are_returned_by_id_and_each_once(scene: Scene) -> None:
    await scene.send(3)
    messages = sorted(await in_doubt(scene, 3), key=lambda message: message.id)
    assert await resolve(scene, [*messages[::-1], messages[0]], Resolution.FAILED) == messages


@pytest.mark.parametrize("resolution", Resolution)
async def test_only_unknown_messages_of_the_brand_are_resolved(
    scene: Scene, resolution: Resolution
) -> None:
    theirs = await unknown_one_off(scene, brand_id="other")
    await scene.one_off(person_id="bob")
    (sent,) = await scene.start()
    await scene.finish([sent])
    await scene.one_off(person_id="cem")
    (sending,) = await scene.start()
    others = [theirs, sent, sending, await scene.one_off(person_id="dan"), made.message()]
    before = [await scene.found(message) for message in others[:4]]
    assert await resolve(scene, others, resolution) == []
    assert [await scene.found(message) for message in others[:4]] == before
    assert await resolve(scene, [], resolution) == []


async def test_what_was_resolved_is_not_resolved_again(scene: Scene) -> None:
    message = await unknown_one_off(scene)
    await resolve(scene, [message], Resolution.FAILED)
    assert await resolve(scene, [message], Resolution.SENT) == []
    assert await resolve(scene, [message], Resolution.RESEND) == []
    assert await scene.status(message) is MessageStatus.FAILED


async def test_a_stale_message_is_not_resent_but_resolved_otherwise(scene: Scene) -> None:
    stale = await unknown_one_off(scene, expire_at=LATER)
    fresh = await unknown_one_off(scene, person_id="bob", expire_at=LATER + SECOND)
    assert await resolve(scene, [stale, fresh], Resolution.RESEND) == [fresh]
    assert await scene.found(stale) == stale
    assert await resolve(scene, [stale], Resolution.SENT) == [stale]


async def test_a_message_of_a_cancelled_send_is_not_resent_but_resolved_otherwise(
    scene: Scene,
) -> None:
    send, _ = await scene.send(3, done=False)
    messages = await in_doubt(scene, 2)
    await scene.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
    assert await resolve(scene, messages, Resolution.RESEND) == []
    assert await resolve(scene, messages[:1], Resolution.SENT) == messages[:1]
    assert await resolve(scene, messages[1:], Resolution.FAILED) == messages[1:]
    found = await scene.found_send(send)
    assert (found.status, found.completed_at) == (SendStatus.CANCELLED, NOW)
    assert found.counters == Counters(total=3, sent=1, failed=1, cancelled=1)


async def test_a_completed_send_is_sending_again_until_its_resent_messages_have_ended(
    scene: Scene,
) -> None:
    send, _ = await scene.send(2)
    first, second = await in_doubt(scene, 2)
    assert (await scene.found_campaign(send.campaign_id)).status is CampaignStatus.SENT
    sent_campaign = await scene.found_campaign(send.campaign_id)
    await resolve(scene, [first, second], Resolution.RESEND)
    found = await scene.found_send(send)
    assert (found.status, found.completed_at, found.counters) == (
        SendStatus.SENDING,
        None,
        Counters(total=2, pending=2),
    )
    assert await scene.found_campaign(send.campaign_id) == sent_campaign
    claimed = await scene.claim(now=LATER, until=LATER + 30 * SECOND)
    assert await scene.mark(claimed, now=LATER, until=LATER + 30 * SECOND) == {first.id, second.id}
    await scene.settle(made.settlement(claimed[0], MessageStatus.SENT), now=LATER + SECOND)
    assert (await scene.found_send(send)).completed_at is None
    await scene.settle(made.settlement(claimed[1], MessageStatus.SENT), now=LATER + 2 * SECOND)
    found = await scene.found_send(send)
    assert (found.status, found.completed_at) == (SendStatus.COMPLETED, LATER + 2 * SECOND)
    assert found.counters == Counters(total=2, sent=2)
    assert await scene.found_campaign(send.campaign_id) == sent_campaign


async def test_a_send_that_is_still_sending_goes_on_with_its_resent_messages(scene: Scene) -> None:
    send, _ = await scene.send(2)
    (message,) = await in_doubt(scene)
    await resolve(scene, [message], Resolution.RESEND)
    found = await scene.found_send(send)
    assert (found.status, found.counters) == (SendStatus.SENDING, Counters(total=2, pending=2))


async def test_messages_of_several_sends_and_one_offs_are_resolved_together(scene: Scene) -> None:
    sends = [(await scene.send(2))[0] for _ in range(3)]
    await scene.one_off()
    messages = await in_doubt(scene, 7)
    assert len(await resolve(scene, messages, Resolution.RESEND)) == 7
    for send in sends:
        assert (await scene.found_send(send)).counters == Counters(total=2, pending=2)


async def test_a_thousand_messages_are_resolved_at_once(scene: Scene) -> None:
    send, _ = await scene.send(1001)
    started = await scene.start(1001)
    await scene.finish(started, MessageStatus.UNKNOWN)
    assert len(await resolve(scene, started, Resolution.SENT)) == 1001
    assert (await scene.found_send(send)).counters == Counters(total=1001, sent=1001)


async def test_what_is_to_be_resent_fires_the_signal_of_its_channel(scene: Scene) -> None:
    await scene.send(2)
    first, second = await in_doubt(scene, 2)
    with (
        scene.storage.signals.subscribe(messages_topic("email")) as pending,
        scene.storage.signals.subscribe(messages_topic("sms")) as elsewhere,
        scene.storage.signals.subscribe(PROGRESS) as progress,
    ):
        await resolve(scene, [first], Resolution.SENT)
        assert (pending.is_set(), progress.is_set()) == (False, True)
        await resolve(scene, [second], Resolution.RESEND)
        assert (pending.is_set(), elsewhere.is_set()) == (True, False)


async def test_of_several_resolutions_of_one_message_at_once_one_wins(scene: Scene) -> None:
    send, _ = await scene.send(1)
    (message,) = await in_doubt(scene)
    alone = await unknown_one_off(scene)
    for row in (message, alone):
        results = await asyncio.gather(
            *(resolve(scene, [row], each) for each in (*Resolution, *Resolution))
        )
        assert sorted(map(len, results)) == [0, 0, 0, 0, 0, 1]
    assert (await scene.found_send(send)).counters.unknown == 0


async def test_an_acceptance_that_came_late_stays_when_an_operator_decides_after_it(
    scene: Scene,
) -> None:
    await scene.one_off()
    (started,) = await scene.start()
    await scene.finish([started], MessageStatus.UNKNOWN)
    accepted = made.attempt(started, "accepted", id=new_id())
    await scene.settle(made.settlement(started, MessageStatus.SENT, attempt=accepted))
    assert await resolve(scene, [started], Resolution.RESEND) == []
    assert await scene.status(started) is MessageStatus.SENT


async def test_resending_waits_for_the_completion_of_its_send_and_then_reopens_it(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    send, _ = await on_postgres.send(2)
    (unknown,) = await in_doubt(on_postgres)
    (last,) = await on_postgres.start()
    async with Held(
        on_postgres, lambda tx: tx.messages.settle([made.settlement(last, MessageStatus.SENT)], NOW)
    ):
        resending = asyncio.create_task(resolve(on_postgres, [unknown], Resolution.RESEND))
        await until_blocked(admin)
    assert await resending == [unknown]
    found = await on_postgres.found_send(send)
    assert (found.status, found.counters) == (
        SendStatus.SENDING,
        Counters(total=2, pending=1, sent=1),
    )


async def test_resending_waits_for_a_cancel_and_then_sends_nothing(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    send, _ = await on_postgres.send(2)
    (unknown,) = await in_doubt(on_postgres)
    async with Held(on_postgres, lambda tx: tx.sends.cancel_running(send.campaign_id, NOW)):
        resending = asyncio.create_task(resolve(on_postgres, [unknown], Resolution.RESEND))
        await until_blocked(admin)
    assert await resending == []
    assert (await on_postgres.found_send(send)).counters == Counters(
        total=2, unknown=1, cancelled=1
    )


async def test_resolutions_of_the_same_messages_in_any_order_do_not_deadlock(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    await on_postgres.send(10)
    await on_postgres.send(10)
    for number in range(10):
        await on_postgres.one_off(person_id=f"p{number}")
    rows = await in_doubt(on_postgres, 30)
    halves = (rows[:20], rows[20:][::-1], rows[10:], rows[::-1])
    resolved = await asyncio.gather(
        *(resolve(on_postgres, half, Resolution.RESEND) for half in halves)
    )
    assert sum(map(len, resolved)) == 30
    assert (
        await admin.fetchval(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        == 0
    )
