"""When the provider of a channel is called, and when not."""

from __future__ import annotations

import asyncio

import pytest

from server.channels.provider import Envelope
from server.dispatch.delivery import channel_worker as worker_module
from server.dispatch.delivery.channel_worker import MAX_WAIT
from server.dispatch.delivery.concurrency import MOST_AHEAD
from server.dispatch.delivery.reserve import marketing_share
from storage.model.messages import MessageStatus
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.stage import Stage, link_in


async def test_a_message_that_is_due_goes_out(stage: Stage) -> None:
    message = await stage.message(recipient="ann@example.com")
    await stage.run(stage.workers())
    assert stage.email.addresses() == ["ann@example.com"]
    found = await stage.found(message)
    assert (found.status, found.attempts, found.sent_at) == (
        MessageStatus.SENT,
        1,
        stage.clock.now(),
    )


async def test_a_message_is_not_sent_before_its_time(stage: Stage) -> None:
    message = await stage.message(due_in=60)
    workers = stage.workers()
    stage.clock.advance(59.999)
    await stage.run(workers)
    assert (stage.email.calls, await stage.status(message)) == ([], MessageStatus.PENDING)
    assert await workers.next_due() == message.due_at
    stage.clock.advance(0.001)
    await stage.run(workers)
    assert await stage.status(message) is MessageStatus.SENT


async def test_what_is_due_first_goes_out_first(stage: Stage) -> None:
    later, sooner = (
        await stage.message("later", due_in=-1),
        await stage.message("sooner", due_in=-2),
    )
    await stage.run(stage.workers(provider=stage.email))
    assert stage.email.addresses() == [sooner.recipient, later.recipient]


async def test_a_message_is_marked_durably_before_its_provider_is_called(stage: Stage) -> None:
    seen = []

    async def look(envelope: Envelope) -> None:
        found = await stage.storage.read(lambda tx: tx.messages.find(envelope.message_id))
        assert found is not None
        seen.append((found.status, found.attempts))

    stage.email.witness = look
    await stage.messages(3)
    await stage.run(stage.workers())
    assert seen == [(MessageStatus.SENDING, 1)] * 3


async def test_never_more_calls_at_once_than_the_provider_takes(stage: Stage) -> None:
    provider = ScriptedProvider(max_concurrency=3)
    messages = await stage.messages(10)
    workers = stage.workers(provider=provider)
    provider.hold()
    for _ in range(5):
        await workers.run_once()
    await provider.called(3)
    assert (provider.now, len(provider.calls)) == (3, 3)
    assert [await stage.status(message) for message in messages].count(MessageStatus.SENDING) == 3
    provider.let_go()
    await stage.run(workers)
    assert provider.most == 3
    assert sorted(provider.addresses()) == sorted(message.recipient for message in messages)


async def test_only_so_many_marks_can_be_in_doubt(stage: Stage) -> None:
    provider = ScriptedProvider(max_concurrency=3)
    workers, marked = stage.workers(provider=provider), 0

    async def count(_envelope: Envelope) -> None:
        nonlocal marked
        rows = await stage.storage.read(lambda tx: tx.messages.count_by_reason(send.id))
        marked = max(marked, sum(row.count for row in rows if row.status is MessageStatus.SENDING))

    send, _ = await stage.send(40)
    provider.witness = count
    await stage.run(workers)
    assert len(provider.calls) == 40
    assert 2 <= marked <= marketing_share(3 * (1 + MOST_AHEAD))


async def test_a_worker_without_room_sleeps_until_a_call_has_ended(stage: Stage) -> None:
    provider = ScriptedProvider(max_concurrency=1)
    await stage.messages(2)
    workers = stage.workers(provider=provider)
    provider.hold()
    assert await workers.run_once()
    assert not await workers.run_once()
    assert await workers.next_due() == stage.clock.now() + MAX_WAIT
    events = [stage.storage.signals.subscribe(topic) for topic in workers.topics]
    with events[0] as first, events[1] as second:
        provider.let_go()
        await workers.drain()
        assert first.is_set() or second.is_set()


async def test_messages_of_another_channel_are_left_alone(stage: Stage) -> None:
    message = await stage.message(channel="sms", recipient="+12025550100")
    await stage.run(stage.workers("email"))
    assert (stage.email.calls, await stage.status(message)) == ([], MessageStatus.PENDING)


async def test_two_dispatchers_call_each_message_once(
    stage_on_postgres: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_on_postgres
    monkeypatch.setattr(worker_module, "CHUNK", 3)
    messages = await stage.messages(20)
    first = stage.workers()
    stage.storage = await stage.open()
    second = stage.workers()
    while any(await asyncio.gather(first.run_once(), second.run_once())):
        await first.drain()
        await second.drain()
    assert sorted(stage.email.addresses()) == sorted(message.recipient for message in messages)


def test_a_provider_slower_than_a_lease_is_refused(stage_on_sqlite: Stage) -> None:
    with pytest.raises(ValueError, match="too long for a lease"):
        stage_on_sqlite.workers(provider=ScriptedProvider(timeout=25.1))


async def test_the_provider_gets_the_message_as_it_was_rendered(stage: Stage) -> None:
    await stage.template(
        subject="For {{ person.id }}", body="Hello {{ name }}", html="<p>{{ name }}</p>"
    )
    message = await stage.message("ann", template_revision=2, variables={"name": "A & B"})
    await stage.people(1)
    await stage.run(stage.workers())
    assert stage.email.calls == [
        Envelope(
            message_id=message.id,
            brand_id=message.brand_id,
            person_id="ann",
            channel="email",
            address="ann@example.com",
            subject="For",
            body="Hello A & B",
            html="<p>A &amp; B</p>",
            created_at=stage.clock.now(),
            unsubscribe_url=link_in(message),
        )
    ]
