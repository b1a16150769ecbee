"""Nothing stale goes out, and what is found too late goes by its brand's policy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from server.dispatch.maintenance.expirer import Expirer
from storage.model.brands import MisfirePolicy
from storage.model.messages import MessageStatus
from tests.support.dispatch.scripted import AMBIGUOUS, BUSY, ScriptedProvider
from tests.support.dispatch.stage import Stage

SECOND = timedelta(seconds=1)


def expiring(stage: Stage) -> Expirer:
    return Expirer(stage.storage, stage.clock, stage.metrics)


async def test_a_stale_message_is_not_sent(stage: Stage) -> None:
    message = await stage.message(expire_at=stage.clock.now() + 60 * SECOND)
    stage.clock.advance(60)
    await stage.run(stage.workers())
    assert (await stage.fate(message), stage.email.calls) == (("expired", "expired"), [])


async def test_a_message_is_sent_until_its_last_moment(stage: Stage) -> None:
    message = await stage.message(expire_at=stage.clock.now() + 60 * SECOND)
    stage.clock.advance(59.999)
    await stage.run(stage.workers())
    assert await stage.fate(message) == ("sent", None)


async def test_a_message_that_goes_stale_while_it_waits_for_room_is_not_sent(
    stage: Stage,
) -> None:
    provider = ScriptedProvider(max_concurrency=1)
    await stage.message("first", due_in=-1)
    waiting = await stage.message("second", expire_at=stage.clock.now() + 2 * SECOND)
    workers = stage.workers(provider=provider)
    provider.hold()
    await workers.run_once()
    await provider.called(1)
    assert await stage.status(waiting) is MessageStatus.LEASED
    stage.clock.advance(2)
    provider.let_go()
    await stage.run(workers)
    assert await stage.fate(waiting) == ("expired", "expired")
    assert provider.addresses() == ["first@example.com"]


async def test_a_message_due_again_when_it_is_stale_expires_with_its_last_reason(
    stage: Stage,
) -> None:
    stage.email.will("ann@example.com", BUSY)
    message = await stage.message(expire_at=stage.clock.now() + 2 * SECOND)
    await stage.run(stage.workers())
    assert await stage.fate(message) == ("expired", "busy")


async def test_a_message_in_doubt_does_not_end_as_expired(stage: Stage) -> None:
    provider = ScriptedProvider(key_window=timedelta(days=1))
    provider.will("ann@example.com", AMBIGUOUS)
    provider.will("bob@example.com", AMBIGUOUS)
    soon = await stage.message("ann", expire_at=stage.clock.now() + 2 * SECOND)
    later = await stage.message("bob", expire_at=stage.clock.now() + 60 * SECOND)
    workers = stage.workers(provider=provider)
    await stage.run(workers)
    assert await stage.fate(soon) == ("unknown", "connection_lost")
    assert await stage.status(later) is MessageStatus.PENDING
    stage.clock.advance(60)
    await stage.run(workers)
    assert await stage.fate(later) == ("unknown", "in_doubt")


async def test_what_nobody_claims_expires_by_itself(stage: Stage) -> None:
    send, messages = await stage.send(3)
    message = await stage.message("other", expire_at=stage.clock.now() + 60 * SECOND)
    await stage.storage.write(lambda tx: tx.sends.pause(send.id, stage.clock.now()))
    loop = expiring(stage)
    assert not await loop.run_once()
    assert await loop.next_due() == stage.clock.now() + 60 * SECOND
    stage.clock.advance(60)
    await stage.run(loop)
    assert await stage.fate(message) == ("expired", "expired")
    assert {await stage.status(each) for each in messages} == {MessageStatus.PENDING}
    assert stage.metrics.expiries == [1]
    assert await loop.next_due() is None


async def test_an_in_app_message_that_is_stale_reaches_no_inbox(stage: Stage) -> None:
    await stage.template("in_app")
    message = await stage.message(channel="in_app", expire_at=stage.clock.now() + SECOND)
    stage.clock.advance(1)
    await stage.run(stage.inbox_worker())
    assert (await stage.fate(message), await stage.inbox()) == (("expired", "expired"), [])


@pytest.mark.parametrize(
    ("policy", "late_by", "fate"),
    [
        ({"misfire_policy": MisfirePolicy.SEND_NOW}, 86400, ("sent", None)),
        ({"misfire_policy": MisfirePolicy.SKIP}, 60, ("sent", None)),
        ({"misfire_policy": MisfirePolicy.SKIP}, 61, ("skipped", "misfired")),
        (
            {"misfire_policy": MisfirePolicy.EXPIRE_AFTER, "misfire_seconds": 3600},
            3600,
            ("sent", None),
        ),
        (
            {"misfire_policy": MisfirePolicy.EXPIRE_AFTER, "misfire_seconds": 3600},
            3601,
            ("expired", "misfired"),
        ),
    ],
)
@pytest.mark.parametrize("channel", ["email", "in_app"])
async def test_a_one_off_that_is_found_late_goes_by_its_brands_policy(
    stage: Stage, channel: str, policy: dict[str, Any], late_by: float, fate: tuple[str, str | None]
) -> None:
    await stage.template("in_app")
    await stage.policy(**policy)
    message = await stage.message(channel=channel)
    stage.clock.advance(late_by)
    await stage.run(stage.workers() if channel == "email" else stage.inbox_worker())
    assert await stage.fate(message) == fate


async def test_a_message_that_is_tried_again_late_is_no_misfire(stage: Stage) -> None:
    await stage.policy(misfire_policy=MisfirePolicy.SKIP)
    stage.email.will("ann@example.com", BUSY)
    message = await stage.message()
    workers = stage.workers()
    await stage.run(workers)
    stage.clock.advance(3600)
    await stage.run(workers)
    assert await stage.fate(message) == ("sent", None)


async def test_a_send_that_takes_long_is_no_misfire(stage: Stage) -> None:
    await stage.policy(misfire_policy=MisfirePolicy.SKIP)
    send, _ = await stage.send(2)
    stage.clock.advance(3600)
    await stage.run(stage.workers())
    assert await stage.counted(send) == {"total": 2, "sent": 2}
