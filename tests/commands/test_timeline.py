"""What a timeline tells of a message that is with its provider, was taken back, or went stale.
Tests run on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from server.commands.messages.timeline import Timeline, get_timeline
from storage.model.messages import Message
from tests.support.dispatch.scripted import BUSY
from tests.support.dispatch.stage import Stage, unsubscribe_link


async def timeline(stage: Stage, message: Message) -> Timeline:
    return await stage.storage.read(lambda tx: get_timeline(tx, stage.caller, message.id))


def kinds(found: Timeline) -> list[str]:
    return [fact.kind.value for fact in found.facts]


async def test_a_call_that_goes_on_is_told_by_its_mark(stage: Stage) -> None:
    message = await stage.message(created_at=stage.clock.now())
    stage.email.hold()
    running = asyncio.create_task(stage.run(stage.workers()))
    await stage.email.called(1)
    found = await timeline(stage, message)
    assert kinds(found) == ["accepted", "claimed", "attempted"]
    assert (found.facts[-1].provider, found.facts[-1].attempt) == ("scripted", 1)
    said = found.said(unsubscribe_link)
    assert said is not None
    assert said.rendered.body == stage.email.calls[0].body
    stage.email.let_go()
    await running
    assert kinds(await timeline(stage, message))[-2:] == ["answered", "resolved"]


async def test_each_claim_that_led_to_an_attempt_is_told(stage: Stage) -> None:
    message = await stage.message(created_at=stage.clock.now())
    stage.email.will("ann@example.com", BUSY)
    await stage.run(stage.workers())
    waits = await stage.found(message)
    stage.clock.advance((waits.due_at - stage.clock.now()).total_seconds())
    await stage.run(stage.workers())
    found = await timeline(stage, message)
    tried = ["claimed", "attempted", "answered"]
    assert kinds(found) == ["accepted", *tried, *tried, "resolved"]
    assert found.facts[1].at == found.facts[2].at


async def test_a_claim_that_was_given_back_is_told_and_nothing_was_said(stage: Stage) -> None:
    message = await stage.message(created_at=stage.clock.now())
    await stage.claim()
    stage.clock.advance(3600)
    await stage.lose_leases()
    found = await timeline(stage, message)
    assert kinds(found) == ["accepted", "claimed"]
    assert found.said(unsubscribe_link) is None


async def test_what_went_stale_ended_when_it_did(stage: Stage) -> None:
    stale = stage.clock.now() + timedelta(seconds=60)
    message = await stage.message(due_in=30, expire_at=stale, created_at=stage.clock.now())
    now = stage.clock.advance(90)
    assert await stage.storage.write(lambda tx: tx.messages.expire(now, 10)) == 1
    found = await timeline(stage, message)
    assert kinds(found) == ["accepted", "held_back", "resolved"]
    assert (found.facts[-1].at, found.facts[-1].reason) == (stale, "expired")


async def test_what_cannot_be_rendered_any_more_is_not_told(stage: Stage) -> None:
    await stage.template(body="{{ order | divided_by: 0 }}")
    message = await stage.message(template_revision=2, created_at=stage.clock.now())
    await stage.run(stage.workers())
    found = await timeline(stage, message)
    assert kinds(found) == ["accepted", "claimed", "resolved"]
    assert found.facts[-1].at == found.facts[-2].at
    assert found.said(unsubscribe_link) is None
