"""Subscriptions as the provider of Web Push finds and ends them."""

from __future__ import annotations

from server.dispatch.delivery.push_subscriptions import StoredSubscriptions
from storage.model.audit import SERVICE
from tests.storage.sql.aggregates.test_push_subscriptions import subscription
from tests.support.dispatch.stage import Stage


async def test_one_that_ends_is_deleted_and_the_log_says_why_once(stage: Stage) -> None:
    record = subscription()
    await stage.storage.write(lambda tx: tx.push_subscriptions.put(record))
    subscriptions = StoredSubscriptions(stage.storage, stage.clock)
    assert await subscriptions.find(record.id) == record
    for _ in range(2):
        await subscriptions.end(record, "http_410")
    assert await subscriptions.find(record.id) is None
    entries = await stage.storage.read(
        lambda tx: tx.audit.list_page(record.brand_id, record.id, None, 99)
    )
    assert [(each.action, each.actor, each.details) for each in entries] == [
        ("push_subscription_ended", SERVICE, {"reason": "http_410"})
    ]
