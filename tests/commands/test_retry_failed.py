"""Retries of sends too large for one batch."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from server.commands.sends import resolve_audience
from server.commands.sends.cancel import cancel_send
from server.commands.sends.retry_failed import retry_failed
from server.domain.errors import BadState
from storage.model.sends import Send, SendStatus
from tests.support.dispatch.scripted import REFUSED
from tests.support.dispatch.stage import Stage

FAILED = 7


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve_audience, "BATCH", 2)


async def failed_send(stage: Stage, **more: Any) -> Send:
    """A send that has ended, with FAILED messages that failed and one that was sent."""
    send, messages = await stage.send(FAILED + 1, **more)
    for message in messages[:FAILED]:
        stage.email.will(message.recipient, REFUSED)
    await stage.run(stage.workers())
    assert (await stage.found_send(send)).counters.failed == FAILED
    return send


async def retry(stage: Stage, send: Send) -> Send:
    return await stage.storage.write(
        lambda tx: retry_failed(tx, stage.caller, send.id, include_unknown=False)
    )


async def test_a_retry_is_resolved_in_batches_and_takes_each_message_once(stage: Stage) -> None:
    parent = await failed_send(stage)
    child = await retry(stage, parent)
    assert (child.counters.total, child.audience_done) == (2, False)
    await stage.run(stage.audiences())
    child = await stage.found_send(child)
    assert (child.counters.total, child.audience_done) == (FAILED, True)
    failed = Counter(
        message.recipient
        for message in await stage.messages_of(parent)
        if message.status == "failed"
    )
    assert Counter(message.recipient for message in await stage.messages_of(child)) == failed
    assert {message.retried_in for message in await stage.messages_of(parent)} == {None, child.id}


async def test_a_crash_between_batches_loses_and_repeats_nobody(stage: Stage) -> None:
    parent = await failed_send(stage)
    child = await retry(stage, parent)
    await stage.audiences().run_once()
    await stage.crash()
    await stage.run(stage.audiences())
    recipients = [message.recipient for message in await stage.messages_of(child)]
    assert len(recipients) == len(set(recipients)) == FAILED


async def test_a_send_that_is_being_retried_is_not_retried_a_second_time(stage: Stage) -> None:
    parent = await failed_send(stage)
    child = await retry(stage, parent)
    with pytest.raises(BadState, match="being retried"):
        await retry(stage, parent)
    await stage.run(stage.audiences())
    with pytest.raises(BadState, match="nothing to retry"):
        await retry(stage, parent)
    assert (await stage.found_send(child)).counters.total == FAILED


async def test_what_a_cancelled_retry_had_not_taken_can_be_retried(stage: Stage) -> None:
    parent = await failed_send(stage)
    first = await retry(stage, parent)
    cancelled = await stage.storage.write(lambda tx: cancel_send(tx, stage.caller, first.id))
    assert (cancelled.send.status, cancelled.receipt.cancelled) == (SendStatus.CANCELLED, 2)
    await stage.run(stage.audiences())
    second = await retry(stage, parent)
    await stage.run(stage.audiences())
    assert (await stage.found_send(first)).counters.total == 2
    assert (await stage.found_send(second)).counters.total == FAILED - 2


async def test_a_send_whose_messages_are_stale_is_not_retried(stage: Stage) -> None:
    expire_at = stage.clock.now() + timedelta(minutes=5)
    parent = await failed_send(stage, expire_at=expire_at)
    child = await retry(stage, parent)
    assert child.expire_at == expire_at
    await stage.storage.write(lambda tx: cancel_send(tx, stage.caller, child.id))
    stage.clock.advance(300)
    with pytest.raises(BadState, match="stale"):
        await retry(stage, parent)


async def test_a_retry_shares_addresses_as_its_parent_did(stage: Stage) -> None:
    for shared in (False, True):
        family = [(f"person-{number}", "family@example.com") for number in range(3)]
        stage.email.will("family@example.com", REFUSED)
        parent, _ = await stage.send(family, allow_shared_addresses=shared)
        await stage.run(stage.workers())
        failed = (await stage.found_send(parent)).counters.failed
        child = await retry(stage, parent)
        await stage.run(stage.audiences())
        assert (await stage.found_send(child)).counters.pending == failed >= 1
        await stage.run(stage.workers())
