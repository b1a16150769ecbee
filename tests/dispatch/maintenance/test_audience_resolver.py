"""An audience becomes messages batch by batch, each person once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from server.commands.sends import resolve_audience
from server.commands.sends.resolve_audience import resolve_audience_batch
from server.dispatch.maintenance.cooldown import RETRY_AFTER
from storage.contract.errors import StorageUnavailable
from storage.contract.storage import Transaction
from storage.model.ids import new_id
from storage.model.messages import MessageStatus
from storage.model.sends import Send, SendStatus
from storage.model.suppressions import Suppression, SuppressionReason
from tests.support.dispatch.stage import BRAND, Stage
from tests.support.storage import made


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve_audience, "BATCH", 2)


async def reached(stage: Stage, send: Send) -> list[str]:
    return sorted(message.person_id for message in await stage.messages_of(send))


async def test_every_person_gets_one_message(stage: Stage) -> None:
    people = await stage.people(5)
    send = await stage.publish()
    assert send.counters.total == 2
    await stage.run(stage.audiences())
    assert await reached(stage, send) == people
    await stage.run(stage.workers())
    assert sorted(stage.email.addresses()) == [f"{person}@example.com" for person in people]
    assert (await stage.found_campaign(send.campaign_id)).status == "sent"


@pytest.mark.parametrize("people", [0, 1, 2, 3, 4])
async def test_a_send_completes_whatever_the_size_of_its_audience(
    stage: Stage, people: int
) -> None:
    await stage.people(people)
    send = await stage.publish()
    await stage.run(stage.audiences())
    await stage.run(stage.workers())
    done = await stage.found_send(send)
    assert (done.status, done.counters.total, done.counters.sent) == (
        SendStatus.COMPLETED,
        people,
        people,
    )


async def test_a_send_is_not_complete_while_its_audience_is_not(stage: Stage) -> None:
    await stage.people(3)
    send = await stage.publish()
    await stage.run(stage.workers())
    assert await stage.counted(send) == {"total": 2, "sent": 2}
    assert (await stage.found_send(send)).status is SendStatus.SENDING


async def test_people_without_an_address_are_skipped(stage: Stage) -> None:
    await stage.storage.write(lambda tx: tx.people.put(made.person("ann")))
    await stage.storage.write(lambda tx: tx.people.put(made.person("bob", email=None)))
    await stage.storage.write(lambda tx: tx.people.put(made.person("eve", email="")))
    send = await stage.publish()
    await stage.run(stage.audiences())
    await stage.run(stage.workers())
    fates = {
        message.person_id: await stage.fate(message) for message in await stage.messages_of(send)
    }
    assert fates == {
        "ann": ("sent", None),
        "bob": ("skipped", "no_address"),
        "eve": ("skipped", "no_address"),
    }
    assert await stage.counted(send) == {"total": 3, "sent": 1, "skipped": 2}


async def test_a_crash_between_batches_neither_loses_nor_repeats_a_person(stage: Stage) -> None:
    people = await stage.people(7)
    send = await stage.publish()
    audiences = stage.audiences()
    while await audiences.run_once():
        await stage.crash()
        audiences = stage.audiences()
    assert await reached(stage, send) == people


async def test_a_crash_inside_a_batch_takes_the_whole_batch_back(stage: Stage) -> None:
    people = await stage.people(5)
    send = await stage.publish()

    async def resolve_and_die(tx: Transaction, send_id: str, now: datetime) -> None:
        await resolve_audience_batch(tx, send_id, now)
        raise StorageUnavailable("the machine stopped")

    with pytest.raises(StorageUnavailable):
        await stage.audiences(resolve_and_die).run_once()
    assert (await stage.found_send(send)).counters.total == 2
    await stage.crash()
    await stage.run(stage.audiences())
    assert await reached(stage, send) == people


async def share(stage: Stage, *person_ids: str, address: str = "family@example.com") -> None:
    for person_id in person_ids:
        await stage.storage.write(
            lambda tx, person_id=person_id: tx.people.put(made.person(person_id, email=address))  # type: ignore[misc]
        )


async def test_an_address_gets_one_message_whichever_batches_its_people_are_in(
    stage: Stage,
) -> None:
    await stage.people(3)
    await share(stage, "aaa", "aab", "person-000", "person-001", "zzz")
    send = await stage.publish()
    await stage.run(stage.audiences())
    await stage.run(stage.workers())
    assert sorted(stage.email.addresses()) == ["family@example.com", "person-002@example.com"]
    fates = {
        message.person_id: await stage.fate(message) for message in await stage.messages_of(send)
    }
    twice = ("skipped", "duplicate")
    assert fates == {
        "aaa": ("sent", None), "aab": twice, "person-000": twice, "person-001": twice,
        "person-002": ("sent", None), "zzz": twice
    }  # fmt: skip
    assert await stage.counted(send) == {"total": 6, "sent": 2, "skipped": 4}
    assert (await stage.found_send(send)).status is SendStatus.COMPLETED


async def test_a_campaign_that_allows_shared_addresses_reaches_everybody(stage: Stage) -> None:
    await share(stage, "aaa", "aab", "bbb", "zzz")
    send = await stage.publish(allow_shared_addresses=True)
    await stage.run(stage.audiences())
    await stage.run(stage.workers())
    assert stage.email.addresses() == ["family@example.com"] * 4
    assert await stage.counted(send) == {"total": 4, "sent": 4}


async def test_an_address_gets_one_message_over_crashes_between_batches(stage: Stage) -> None:
    await share(stage, *(f"person-{number:03}" for number in range(7)))
    send = await stage.publish()
    audiences = stage.audiences()
    while await audiences.run_once():
        await stage.run(stage.workers())
        await stage.crash()
        audiences = stage.audiences()
    await stage.run(stage.workers())
    assert stage.email.addresses() == ["family@example.com"]
    assert await stage.counted(send) == {"total": 7, "sent": 1, "skipped": 6}


async def test_an_address_that_was_suppressed_between_batches_is_not_a_duplicate(
    stage: Stage,
) -> None:
    await share(stage, "aaa", "bbb", "ccc")
    send = await stage.publish()
    suppression = Suppression(
        id=new_id(), brand_id=BRAND, channel="email", address="family@example.com",
        reason=SuppressionReason.MANUAL, source="t",
        created_at=made.NOW,
    )  # fmt: skip
    await stage.storage.write(lambda tx: tx.suppressions.put_many([suppression]))
    await stage.run(stage.audiences())
    fates = {
        message.person_id: await stage.fate(message) for message in await stage.messages_of(send)
    }
    assert fates == {
        "aaa": ("pending", None),
        "bbb": ("skipped", "duplicate"),
        "ccc": ("skipped", "suppressed"),
    }


async def test_a_person_who_takes_over_an_address_between_batches_is_a_duplicate(
    stage: Stage,
) -> None:
    await stage.people(4)
    send = await stage.publish()
    await stage.storage.write(
        lambda tx: tx.people.put(made.person("person-000", email="new@example.com"))
    )
    await stage.storage.write(
        lambda tx: tx.people.put(made.person("person-003", email="person-000@example.com"))
    )
    await stage.run(stage.audiences())
    fates = {
        message.person_id: await stage.fate(message) for message in await stage.messages_of(send)
    }
    assert fates["person-003"] == ("skipped", "duplicate")
    assert await stage.counted(send) == {"total": 4, "pending": 3, "skipped": 1}


async def test_a_due_campaign_keeps_its_setting(stage: Stage) -> None:
    await share(stage, "aaa", "bbb")
    for shared in (False, True):
        campaign = await stage.scheduled(allow_shared_addresses=shared)
        await stage.run(stage.due_campaigns())
        (send,) = await stage.sends_of(campaign)
        assert (send.allow_shared_addresses, send.counters.pending) == (shared, 2 if shared else 1)


async def test_two_dispatchers_resolve_an_audience_once(stage_on_postgres: Stage) -> None:
    stage = stage_on_postgres
    people = await stage.people(9)
    send = await stage.publish()
    first = stage.audiences()
    stage.storage = await stage.open()
    second = stage.audiences()
    while any(await asyncio.gather(first.run_once(), second.run_once())):
        pass
    assert await reached(stage, send) == people


async def test_two_dispatchers_skip_nobody_twice(stage_on_postgres: Stage) -> None:
    """Skips may repeat as far as the database is concerned, so only one after the other may
    resolve."""
    stage = stage_on_postgres
    for number in range(9):
        unreachable = made.person(f"person-{number:03}", email=None)
        await stage.storage.write(lambda tx, each=unreachable: tx.people.put(each))  # type: ignore[misc]
    send = await stage.publish()
    first = stage.audiences()
    stage.storage = await stage.open()
    second = stage.audiences()
    while any(await asyncio.gather(first.run_once(), second.run_once())):
        pass
    assert await stage.counted(send) == {"total": 9, "skipped": 9}


async def test_people_added_after_the_start_wait_for_the_next_send(stage: Stage) -> None:
    await stage.people(4)
    send = await stage.publish()
    later = stage.clock.now() + timedelta(seconds=1)
    await stage.storage.write(lambda tx: tx.people.put(made.person("aaa", created_at=later)))
    await stage.storage.write(lambda tx: tx.people.put(made.person("zzz", created_at=later)))
    await stage.run(stage.audiences())
    assert await reached(stage, send) == ["person-000", "person-001", "person-002", "person-003"]


async def test_a_cancel_stops_resolving(stage: Stage) -> None:
    await stage.people(7)
    send = await stage.publish()
    audiences = stage.audiences()
    await audiences.run_once()
    await stage.cancel(send)
    await stage.run(audiences)
    await stage.run(stage.workers())
    assert stage.email.calls == []
    assert await stage.counted(send) == {"total": 4, "cancelled": 4}
    over = await stage.found_send(send)
    assert (over.status, over.completed_at) == (SendStatus.CANCELLED, stage.clock.now())


@pytest.mark.parametrize("over", ["cancelled", "done", "unknown"])
async def test_a_batch_that_comes_after_the_end_adds_nothing(stage: Stage, over: str) -> None:
    await stage.people(3)
    send = await stage.publish()
    await (stage.cancel(send) if over == "cancelled" else stage.run(stage.audiences()))
    before = await stage.found_send(send)
    send_id = "no such send" if over == "unknown" else send.id
    await stage.storage.write(lambda tx: resolve_audience_batch(tx, send_id, stage.clock.now()))
    assert await stage.found_send(send) == before


async def test_sends_are_resolved_in_turn(stage: Stage) -> None:
    await stage.people(9)
    sends = [await stage.publish(), await stage.publish()]
    await stage.audiences().run_once()
    assert [(await stage.found_send(send)).counters.total for send in sends] == [4, 4]


async def test_an_audience_that_cannot_be_resolved_holds_up_no_other(stage: Stage) -> None:
    people = await stage.people(5)
    faulty, good = await stage.publish(), await stage.publish()
    mended = False

    async def resolve(tx: Transaction, send_id: str, now: datetime) -> None:
        if send_id == faulty.id and not mended:
            raise KeyError("a fault")
        await resolve_audience_batch(tx, send_id, now)

    audiences = stage.audiences(resolve)
    await stage.run(audiences)
    assert await reached(stage, good) == people
    assert await audiences.next_due() == stage.clock.now() + RETRY_AFTER
    mended = True
    await stage.run(audiences)
    assert len(await reached(stage, faulty)) == 2
    stage.clock.advance(RETRY_AFTER.total_seconds())
    await stage.run(audiences)
    assert await reached(stage, faulty) == people
    assert {message.status for message in await stage.messages_of(faulty)} == {
        MessageStatus.PENDING
    }
