"""Retention: what leaves, what stays, and that nobody waits for it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

from storage.contract.storage import Transaction
from storage.model.campaigns import CampaignStatus
from storage.model.literal_contents import LiteralContent
from storage.model.messages import Message, MessageFilter, MessageStatus, Resolution
from storage.model.sends import Counters, Send, SendStatus
from tests.support.storage import made
from tests.support.storage.blocking import Held, until_blocked
from tests.support.storage.made import BRAND, NOW, SECOND
from tests.support.storage.scene import Scene

BEFORE = NOW + timedelta(days=90)
ENDED = (
    MessageStatus.SENT,
    MessageStatus.FAILED,
    MessageStatus.SKIPPED,
    MessageStatus.CANCELLED,
    MessageStatus.EXPIRED,
)


async def prune(
    scene: Scene, before: datetime = BEFORE, after: str | None = None, limit: int = 1000
) -> tuple[int, str | None]:
    return await scene.storage.write(lambda tx: tx.messages.prune(before, after, limit))


async def remaining(scene: Scene) -> list[str]:
    return [
        row.id
        for row in await scene.storage.read(
            lambda tx: tx.messages.list_page(BRAND, MessageFilter(), None, 1000)
        )
    ]


async def one_offs(scene: Scene, count: int, **more: Any) -> list[Message]:
    return [await scene.one_off(status=MessageStatus.SENT, **more) for _ in range(count)]


async def completed(scene: Scene, sent: int = 0, unknown: int = 0) -> tuple[Send, list[Message]]:
    send, _ = await scene.send(sent + unknown)
    started = await scene.start(sent + unknown)
    await scene.finish(started[:sent])
    await scene.finish(started[sent:], MessageStatus.UNKNOWN)
    return send, started


@pytest.mark.parametrize("status", ENDED)
async def test_an_old_message_that_ended_leaves(scene: Scene, status: MessageStatus) -> None:
    await scene.one_off(status=status)
    assert await prune(scene) == (1, None)
    assert await remaining(scene) == []


async def test_a_message_that_has_not_ended_or_is_of_unknown_outcome_stays(scene: Scene) -> None:
    for person in ("held", "started", "unknown"):
        await scene.one_off(person_id=person, due_at=NOW - SECOND)
    unknown, started = await scene.start(2)
    await scene.finish([unknown], MessageStatus.UNKNOWN)
    (leased,) = await scene.claim()
    pending = await scene.one_off()
    statuses = [await scene.status(row) for row in (unknown, started, leased, pending)]
    assert statuses == [
        MessageStatus.UNKNOWN,
        MessageStatus.SENDING,
        MessageStatus.LEASED,
        MessageStatus.PENDING,
    ]
    assert await prune(scene) == (0, None)
    assert len(await remaining(scene)) == 4


async def test_a_message_stays_until_it_was_both_made_and_due_long_ago(scene: Scene) -> None:
    just, sent = BEFORE - timedelta(microseconds=1), MessageStatus.SENT
    made_late = await scene.one_off(status=sent, created_at=BEFORE, due_at=NOW)
    due_late = await scene.one_off(status=sent, created_at=NOW, due_at=BEFORE)
    await scene.one_off(status=sent, created_at=just, due_at=just)
    assert await prune(scene) == (1, None)
    assert await remaining(scene) == [due_late.id, made_late.id]


async def test_attempts_leave_with_their_message_and_those_of_others_stay(scene: Scene) -> None:
    await scene.one_off()
    await scene.one_off(person_id="bob")
    old, unknown = await scene.start()
    settled = [
        made.settlement(old, MessageStatus.SENT, attempt=made.attempt(old)),
        made.settlement(unknown, MessageStatus.UNKNOWN, attempt=made.attempt(unknown, "ambiguous")),
    ]
    await scene.settle(*settled)
    assert await prune(scene) == (1, None)
    assert await scene.storage.read(lambda tx: tx.messages.list_attempts(old.id, None, 10)) == []
    assert (
        len(await scene.storage.read(lambda tx: tx.messages.list_attempts(unknown.id, None, 10)))
        == 1
    )


async def test_what_a_message_says_without_a_template_leaves_with_it(scene: Scene) -> None:
    sent, pending = MessageStatus.SENT, MessageStatus.PENDING
    rows = [await scene.one_off(status=status, template_key="") for status in (sent, pending)]
    said = [
        LiteralContent(message_id=row.id, title="Hi", body="Zoë {{ x }}", action_url=url)
        for row, url in zip(rows, ("/inbox", None), strict=True)
    ]

    async def found() -> list[LiteralContent]:
        ids = [row.id for row in rows]
        by_id = await scene.storage.read(lambda tx: tx.literal_contents.find_many(ids))
        return [by_id[each] for each in ids if each in by_id]

    for each in said:
        await scene.storage.write(partial(_say, content=each))
    assert await found() == said
    assert await prune(scene) == (1, None)
    assert await found() == said[1:]


async def _say(tx: Transaction, content: LiteralContent) -> None:
    await tx.literal_contents.insert(content)


async def test_an_inbox_item_stays_for_its_person(scene: Scene) -> None:
    await scene.one_off()
    (claimed,) = await scene.claim()
    item = made.inbox_item(claimed)
    await scene.settle(
        made.settlement(claimed, MessageStatus.SENT, expected=MessageStatus.LEASED, inbox_item=item)
    )
    assert await prune(scene) == (1, None)
    assert await scene.storage.read(lambda tx: tx.inbox.list_page(BRAND, "ann", None, 10)) == [item]


async def test_a_dedup_key_is_free_again_when_its_message_has_left(scene: Scene) -> None:
    await scene.one_off(status=MessageStatus.SENT, dedup_key="key")
    assert await prune(scene) == (1, None)
    await scene.one_off(dedup_key="key")


async def test_messages_of_a_completed_send_leave_and_its_counters_stay(scene: Scene) -> None:
    send, _ = await completed(scene, sent=3)
    assert await prune(scene) == (3, None)
    found = await scene.found_send(send)
    assert (found.counters, found.status, found.pruned) == (
        Counters(total=3, sent=3),
        SendStatus.COMPLETED,
        True,
    )
    assert await scene.storage.read(lambda tx: tx.sends.recount(send.id)) == Counters()


async def test_no_message_of_a_send_that_is_not_completed_leaves(scene: Scene) -> None:
    resolving, _ = await scene.send(2, done=False)
    await scene.finish(await scene.start())
    running, _ = await scene.send(3)
    in_flight, sent = await scene.start(2)
    await scene.finish([sent])
    assert await prune(scene) == (0, None)
    assert not (await scene.found_send(resolving)).pruned
    assert not (await scene.found_send(running)).pruned
    await scene.storage.write(
        lambda tx: tx.sends.advance_audience(resolving.id, None, done=True, now=NOW)
    )
    assert await prune(scene) == (2, None)
    assert await scene.status(in_flight) is MessageStatus.SENDING


async def test_messages_of_a_cancelled_send_leave_once_the_last_has_ended(scene: Scene) -> None:
    send, _ = await scene.send(2)
    (in_flight,) = await scene.start(1)
    await scene.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
    assert await prune(scene) == (0, None)
    await scene.finish([in_flight])
    assert await prune(scene) == (2, None)


async def test_a_send_of_which_nothing_has_left_is_not_pruned(scene: Scene) -> None:
    send, _ = await completed(scene, unknown=1)
    young, _ = await completed(scene, sent=1)
    assert await prune(scene, before=NOW) == (0, None)
    assert not (await scene.found_send(young)).pruned
    assert (await prune(scene))[0] == 1
    assert not (await scene.found_send(send)).pruned


async def test_unknown_messages_of_a_pruned_send_are_resolved_but_not_resent(scene: Scene) -> None:
    """Reopened, it would have to be counted from rows that are gone."""
    send, rows = await completed(scene, sent=1, unknown=2)
    assert await prune(scene) == (1, None)

    async def resolve(row: Message, resolution: Resolution) -> int:
        return len(
            await scene.storage.write(
                lambda tx: tx.messages.resolve_unknown(BRAND, [row.id], resolution, NOW)
            )
        )

    assert [await resolve(row, Resolution.RESEND) for row in rows[1:]] == [0, 0]
    assert [await resolve(rows[1], Resolution.SENT), await resolve(rows[2], Resolution.FAILED)] == [
        1,
        1,
    ]
    assert (await scene.found_send(send)).counters == Counters(total=3, sent=2, failed=1)
    assert await prune(scene) == (2, None)


async def test_messages_leave_oldest_first_in_batches_that_go_on_where_the_last_ended(
    scene: Scene,
) -> None:
    rows = await one_offs(scene, 5)
    assert await prune(scene, limit=2) == (2, rows[1].id)
    assert await remaining(scene) == [row.id for row in rows[:1:-1]]
    assert await prune(scene, after=rows[1].id, limit=2) == (2, rows[3].id)
    assert await prune(scene, after=rows[3].id, limit=2) == (1, None)


async def test_what_stays_is_passed_over_and_not_looked_at_again(scene: Scene) -> None:
    await scene.one_off()
    await scene.one_off()
    (old,) = await one_offs(scene, 1)
    deleted, after = await prune(scene, limit=2)
    assert deleted == 0
    assert await prune(scene, after=after, limit=2) == (1, None)
    assert old.id not in await remaining(scene)


async def test_looking_ends_at_messages_that_are_too_young(scene: Scene) -> None:
    old = await one_offs(scene, 1)
    await one_offs(scene, 4, created_at=BEFORE)
    assert await prune(scene, limit=2) == (1, None)
    assert old[0].id not in await remaining(scene)


async def test_an_empty_table_is_pruned_to_nothing(scene: Scene) -> None:
    assert await prune(scene) == (0, None)


async def test_a_campaign_of_a_pruned_send_stays_sent(scene: Scene) -> None:
    send, _ = await completed(scene, sent=1)
    await prune(scene)
    assert (await scene.found_campaign(send.campaign_id)).status is CampaignStatus.SENT


async def test_answers_kept_for_idempotency_keys_leave_by_age_in_batches(scene: Scene) -> None:
    ages = {f"old-{number}": NOW - SECOND for number in range(5)} | {"young": NOW}
    for key, created_at in ages.items():
        record = made.idempotency_record(key, created_at=created_at)
        await scene.storage.write(lambda tx, record=record: tx.idempotency.insert(record))  # type: ignore[misc]
    twin = made.idempotency_record("old-0", scope="other", created_at=NOW)
    await scene.storage.write(lambda tx: tx.idempotency.insert(twin))
    batches = [await scene.storage.write(lambda tx: tx.idempotency.prune(NOW, 2)) for _ in range(4)]
    assert batches == [2, 2, 1, 0]
    assert (
        await scene.storage.read(lambda tx: tx.idempotency.find("brand/send", "young")) is not None
    )
    assert await scene.storage.read(lambda tx: tx.idempotency.find("brand/send", "old-0")) is None
    assert await scene.storage.read(lambda tx: tx.idempotency.find("other", "old-0")) == twin


async def at_once(scene: Scene, function: Any) -> Any:
    """Fails if it has to wait for a lock."""
    return await asyncio.wait_for(scene.storage.write(function), 20)


async def test_pruning_leaves_what_others_have_locked_and_waits_for_nobody(
    on_postgres: Scene,
) -> None:
    send, _ = await completed(on_postgres, sent=2, unknown=1)
    (one_off,) = await one_offs(on_postgres, 1)
    async with Held(on_postgres, lambda tx: tx.sends.find(send.id, lock=True)):
        assert await at_once(on_postgres, lambda tx: tx.messages.prune(BEFORE, None, 100)) == (
            1,
            None,
        )
    assert one_off.id not in await remaining(on_postgres)
    assert await prune(on_postgres) == (2, None)


async def test_two_prunings_at_once_delete_each_row_once_and_do_not_wait(
    on_postgres: Scene,
) -> None:
    await completed(on_postgres, sent=2)
    await one_offs(on_postgres, 3)
    async with Held(on_postgres, lambda tx: tx.messages.prune(BEFORE, None, 100)) as held:
        assert await at_once(on_postgres, lambda tx: tx.messages.prune(BEFORE, None, 100)) == (
            0,
            None,
        )
        assert await held.commit() == (5, None)


async def test_two_prunings_of_answers_at_once_delete_each_once_and_do_not_wait(
    on_postgres: Scene,
) -> None:
    for key in "abc":
        record = made.idempotency_record(key)
        await on_postgres.storage.write(partial(_insert, record))
    async with Held(on_postgres, lambda tx: tx.idempotency.prune(BEFORE, 2)) as held:
        assert await at_once(on_postgres, lambda tx: tx.idempotency.prune(BEFORE, 2)) == 1
        assert await held.commit() == 2


async def test_resending_waits_for_pruning_and_then_finds_the_send_pruned(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    send, rows = await completed(on_postgres, sent=1, unknown=1)
    resend = partial(_resolve, [rows[1].id])
    async with Held(on_postgres, lambda tx: tx.messages.prune(BEFORE, None, 100)):
        resending = asyncio.create_task(on_postgres.storage.write(resend))
        await until_blocked(admin)
    assert await resending == []
    assert (await on_postgres.found_send(send)).status is SendStatus.COMPLETED


async def test_pruning_leaves_a_send_that_is_being_reopened(on_postgres: Scene) -> None:
    send, rows = await completed(on_postgres, sent=1, unknown=1)
    async with Held(on_postgres, partial(_resolve, [rows[1].id])):
        assert await at_once(on_postgres, lambda tx: tx.messages.prune(BEFORE, None, 100)) == (
            0,
            None,
        )
    assert await prune(on_postgres) == (0, None)
    found = await on_postgres.found_send(send)
    assert (found.status, found.pruned) == (SendStatus.SENDING, False)


async def _insert(record: Any, tx: Transaction) -> None:
    await tx.idempotency.insert(record)


async def _resolve(message_ids: list[str], tx: Transaction) -> list[Message]:
    return await tx.messages.resolve_unknown(BRAND, message_ids, Resolution.RESEND, NOW)
