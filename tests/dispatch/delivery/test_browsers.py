"""Messages to a person on push, as they are claimed."""

from __future__ import annotations

from typing import Any

from server.dispatch.delivery.byte_budget import ByteBudget
from server.dispatch.delivery.claimer import Claimer
from server.dispatch.delivery.rate_limits import RateLimits
from server.domain.delivery.timing import LEASE
from storage.model.ids import new_id
from storage.model.messages import Message, MessageFilter, MessageStatus
from storage.model.push_subscriptions import PushSubscription
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.stage import BRAND, Stage


async def browser(stage: Stage, person_id: str = "ann") -> str:
    """Id of another subscription."""
    subscription = PushSubscription(
        id=new_id(),
        brand_id=BRAND,
        person_id=person_id,
        endpoint=f"https://push.example.net/{new_id()}",
        p256dh="key",
        auth="secret",
        user_agent=None,
        created_at=stage.clock.now(),
        expires_at=None,
    )
    return (await stage.storage.write(lambda tx: tx.push_subscriptions.put(subscription))).id


async def to_ann(stage: Stage, **more: Any) -> Message:
    await stage.template("push")
    return await stage.message(channel="push", recipient="ann", **more)


async def rows(stage: Stage) -> dict[str, MessageStatus]:
    """Those of the brand by address."""
    found = await stage.storage.read(
        lambda tx: tx.messages.list_page(BRAND, MessageFilter(), None, 99)
    )
    return {each.recipient: each.status for each in found}


async def test_who_subscribes_before_it_is_due_counts_and_each_browser_gets_one(
    stage: Stage,
) -> None:
    message = await to_ann(stage, dedup_key="key", due_in=10)
    browsers = [await browser(stage) for _ in range(3)]
    await browser(stage, "bob")
    stage.clock.advance(10)
    provider = ScriptedProvider()
    await stage.run(stage.workers("push", provider))
    assert sorted(provider.addresses()) == browsers
    assert await rows(stage) == dict.fromkeys(browsers, MessageStatus.SENT)
    found = await stage.found(message)
    assert (found.recipient, found.dedup_key) == (browsers[-1], "key")


async def test_what_is_claimed_again_is_not_addressed_again(stage: Stage) -> None:
    await to_ann(stage, dedup_key="key")
    first, second = [await browser(stage) for _ in range(2)]
    claimer = Claimer("push", None, stage.storage, RateLimits("push", None), ByteBudget())
    for addressed in ([second], [second, first]):
        now = stage.clock.now()
        claimed = await claimer.claim(await claimer.snapshot(now), 10, now)
        assert [each.message.recipient for each in claimed.rows] == addressed
        assert set(await rows(stage)) == {first, second}
        stage.clock.advance(LEASE.total_seconds())
        await stage.lose_leases()


async def test_one_that_is_too_late_goes_to_nobody(stage: Stage) -> None:
    await to_ann(stage, dedup_key="key", expire_at=stage.clock.now())
    await browser(stage)
    provider = ScriptedProvider()
    await stage.run(stage.workers("push", provider))
    assert await rows(stage) == {"ann": MessageStatus.EXPIRED}
    assert provider.addresses() == []


async def test_what_is_counted_as_one_goes_to_the_newest_browser(stage: Stage) -> None:
    await stage.template("push")
    _, newest = [await browser(stage) for _ in range(2)]
    send, _ = await stage.send([("ann", "ann")], channel="push")
    provider = ScriptedProvider()
    await stage.run(stage.workers("push", provider))
    assert provider.addresses() == [newest]
    assert (await stage.found_send(send)).counters.sent == 1
