"""in_app: what puts an item into the inbox is what says that it was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from server.dispatch.delivery import inbox_worker as inbox_worker_module
from server.dispatch.delivery.claimer import Claimer, Claims, QueueSnapshot
from server.dispatch.delivery.outcomes import in_app_delivery
from server.domain.delivery.timing import LEASE
from storage.contract.errors import StorageError
from storage.contract.storage import Transaction
from storage.model.inbox import InboxItem
from storage.model.messages import MessageStatus
from tests.support.channels.mail_server import envelope
from tests.support.dispatch.stage import BRAND, Stage, link_in
from tests.support.storage import made


@pytest.fixture(autouse=True)
async def in_app_template(stage: Stage) -> None:
    await stage.template("in_app", subject="News", body="Hello {{ name }}")


async def test_an_in_app_message_reaches_the_inbox(stage: Stage) -> None:
    beside: dict[str, Any] = {"action_url": "/care/7", "metadata": {"team": 7}}
    message = await stage.message(
        channel="in_app", recipient="ann", variables={"name": "Ann", **beside}
    )
    await stage.run(stage.inbox_worker())
    assert await stage.fate(message) == ("sent", None)
    assert await stage.outcomes(message) == ["accepted"]
    (item,) = await stage.inbox()
    assert item == InboxItem(
        id=item.id,
        brand_id=BRAND,
        person_id="ann",
        message_id=message.id,
        category="transactional",
        title="News",
        body="Hello Ann",
        created_at=stage.clock.now(),
        **beside,
    )


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"action_url": "javascript:alert(1)"}, "action_url_invalid"),
        ({"action_url": ["/x"]}, "action_url_invalid"),
        ({"metadata": "x"}, "metadata_invalid"),
    ],
)
async def test_what_is_no_link_and_no_object_is_put_into_no_inbox(
    stage: Stage, variables: dict[str, object], reason: str
) -> None:
    """However it got there: a request that has it is refused."""
    message = await stage.message(channel="in_app", variables=variables)
    await stage.run(stage.inbox_worker())
    assert await stage.fate(message) == ("failed", reason)
    assert await stage.inbox() == []


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("News", "Leave: {{ unsubscribe_url }}"),
        ("{{ unsubscribe_url }}", "Hello"),
        ("News", "Leave: {{ unsubscribe_url | strip }}"),
        ("News", "{% assign name = 'unsubscribe_url' %}{{ [name] }}"),
    ],
)
async def test_a_template_that_shows_the_unsubscribe_link_has_one(
    stage: Stage, subject: str, body: str
) -> None:
    """Plain, or by whatever ways Liquid knows; others get none, since nobody would see it."""
    template = await stage.template("in_app", subject=subject, body=body)
    message = await stage.message(channel="in_app", template_revision=template.revision)
    await stage.run(stage.inbox_worker())
    (item,) = await stage.inbox()
    assert link_in(message) in f"{item.title} {item.body}"


async def test_an_in_app_message_is_not_there_before_its_time(stage: Stage) -> None:
    await stage.message(channel="in_app", due_in=10)
    worker = stage.inbox_worker()
    stage.clock.advance(9)
    await stage.run(worker)
    assert await stage.inbox() == []
    stage.clock.advance(1)
    await stage.run(worker)
    assert len(await stage.inbox()) == 1


async def test_item_attempt_and_status_are_written_together_or_not_at_all(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await stage.message(channel="in_app")
    now = stage.clock.now()
    (claimed,) = await stage.claim("in_app", 1)
    sent = in_app_delivery(claimed, envelope(subject=None, body="Hello"), now)

    async def settle_and_fail(tx: Transaction) -> None:
        assert await tx.messages.settle([sent], now) == {message.id}
        raise StorageError("the transaction fails at its end")

    with pytest.raises(StorageError):
        await stage.storage.write(settle_and_fail)
    assert (await stage.inbox(), await stage.attempts(message), await stage.status(message)) == (
        [],
        [],
        MessageStatus.LEASED,
    )


async def test_a_crash_between_claim_and_result_delivers_exactly_once(stage: Stage) -> None:
    messages = await stage.messages(3, channel="in_app")
    now = stage.clock.now()
    claimed = await stage.claim("in_app", 10)
    zombie = [in_app_delivery(message, envelope(body="late"), now) for message in claimed]
    await stage.crash()
    stage.clock.advance(LEASE.total_seconds())
    await stage.recover()
    await stage.run(stage.inbox_worker())
    assert await stage.storage.write(lambda tx: tx.messages.settle(zombie, now)) == set()
    for message in messages:
        assert await stage.status(message) is MessageStatus.SENT
        assert [item.body for item in await stage.inbox(message.person_id)] == ["Hello "]


async def test_who_has_lost_a_lease_delivers_nothing_under_the_lease_of_another(
    stage: Stage,
) -> None:
    message = await stage.message(channel="in_app")
    now = stage.clock.now()
    (stale,) = await stage.claim("in_app", 10)
    now = stage.clock.advance(LEASE.total_seconds())
    await stage.lose_leases()
    (held,) = await stage.claim("in_app", 10)
    hello = envelope(body="Hello")
    assert (
        await stage.storage.write(
            lambda tx: tx.messages.settle([in_app_delivery(stale, envelope(), now)], now)
        )
        == set()
    )
    assert await stage.storage.write(
        lambda tx: tx.messages.settle([in_app_delivery(held, hello, now)], now)
    ) == {message.id}
    assert [item.body for item in await stage.inbox()] == ["Hello"]


async def test_more_than_a_batch_is_delivered_in_several(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_worker_module, "BATCH", 2)
    monkeypatch.setattr(inbox_worker_module, "BATCHES", 3)
    send, _ = await stage.send(9, channel="in_app")
    worker = stage.inbox_worker()
    assert await worker.run_once()
    assert await stage.counted(send) == {"total": 9, "sent": 6, "pending": 3}
    assert await worker.run_once()
    assert await stage.counted(send) == {"total": 9, "sent": 9}
    assert not await worker.run_once()


async def test_what_was_rendered_is_written_though_the_next_batch_cannot_be_claimed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_worker_module, "BATCH", 2)
    send, _ = await stage.send(5, channel="in_app")
    claim = Claimer.claim
    batches = 0

    async def claim_once(claimer: Claimer, look: QueueSnapshot, rows: int, now: datetime) -> Claims:
        nonlocal batches
        batches += 1
        if batches > 1:
            raise StorageError("the database is gone")
        return await claim(claimer, look, rows, now)

    monkeypatch.setattr(Claimer, "claim", claim_once)
    with pytest.raises(StorageError):
        await stage.inbox_worker().run_once()
    assert await stage.counted(send) == {"total": 5, "sent": 2, "pending": 3}


async def test_what_goes_to_inboxes_counts_against_the_bytes_of_its_brand(stage: Stage) -> None:
    large = await stage.template("in_app", body="x" * 500)
    revision = {"template_revision": large.revision}
    await stage.policy(budgets={"bytes": 10.0})
    worker = stage.inbox_worker()
    first = await stage.message("first", channel="in_app", **revision)
    await stage.run(worker)
    second = await stage.message("second", channel="in_app", **revision)
    await stage.run(worker)
    assert await stage.status(first) is MessageStatus.SENT
    assert await stage.status(second) is MessageStatus.PENDING
    stage.clock.advance(50)
    await stage.run(worker)
    assert await stage.status(second) is MessageStatus.SENT


async def test_people_do_not_see_each_others_inbox(stage: Stage) -> None:
    await stage.storage.write(lambda tx: made.put_version(tx, channel="in_app", brand_id="other"))
    await stage.message("ann", channel="in_app")
    await stage.message("bob", channel="in_app")
    await stage.message("ann", channel="in_app", brand_id="other")
    await stage.run(stage.inbox_worker())
    assert [(item.brand_id, item.person_id) for item in await stage.inbox("ann")] == [
        (BRAND, "ann")
    ]
