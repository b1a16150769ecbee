"""What mail providers reported."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from storage.model.email_events import EmailEvent
from storage.model.suppressions import SuppressionReason
from tests.support.storage.made import BRAND, NOW, SECOND, email_event
from tests.support.storage.scene import Scene


async def insert(scene: Scene, record: EmailEvent) -> bool:
    return await scene.storage.write(lambda tx: tx.email_events.insert(record))


async def of_message(scene: Scene, *ids: str, limit: int = 100) -> list[str]:
    found = await scene.storage.read(lambda tx: tx.email_events.list_of_message(BRAND, ids, limit))
    return [each.id for each in found]


async def test_the_first_event_of_an_id_is_kept(scene: Scene) -> None:
    first = email_event(
        reason=SuppressionReason.COMPLAINT, received_at=NOW + timedelta(microseconds=1)
    )
    assert await insert(scene, first)
    assert not await insert(scene, email_event(type="other"))
    assert await insert(scene, email_event(brand_id="other", type="other"))
    assert await scene.storage.read(lambda tx: tx.email_events.find(BRAND, "msg_1")) == first
    assert await scene.storage.read(lambda tx: tx.email_events.find(BRAND, "msg_2")) is None


async def test_of_those_that_come_at_the_same_time_one_is_added(scene: Scene) -> None:
    added = await asyncio.gather(*(insert(scene, email_event(type=str(n))) for n in range(10)))
    assert sorted(added) == [False] * 9 + [True]


async def test_those_of_a_message_are_listed_as_they_came(scene: Scene) -> None:
    for record in (
        email_event("late", received_at=NOW + SECOND),
        email_event("early"),
        email_event("second-call", vendor_message_id="theirs-too", received_at=NOW + 2 * SECOND),
        email_event("of-another", vendor_message_id="another"),
        email_event("of-another-brand", brand_id="other"),
    ):
        await insert(scene, record)
    assert await of_message(scene, "theirs", "theirs-too") == ["early", "late", "second-call"]
    assert await of_message(scene, "theirs", "theirs-too", limit=1) == ["early"]


async def test_old_ones_leave_a_few_at_a_time(scene: Scene) -> None:
    for number in range(3):
        await insert(scene, email_event(str(number), received_at=NOW + number * SECOND))
    before = NOW + 2 * SECOND
    assert await scene.storage.write(lambda tx: tx.email_events.prune(before, 1)) == 1
    assert await scene.storage.write(lambda tx: tx.email_events.prune(before, 9)) == 1
    assert await of_message(scene, "theirs") == ["2"]
