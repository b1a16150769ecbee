"""Criteria ask what somebody was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from server.domain.criteria.parse import parse_criteria
from storage.contract.storage import Transaction
from storage.model.campaigns import CampaignStatus
from storage.model.messages import MessageStatus
from storage.model.people import Person
from tests.support.criteria_reference import matches_person
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW, SECOND
from tests.support.storage.scene import Scene

CRITERIA: list[dict[str, Any]] = [
    {"received": "news"},
    {"received": "offer"},
    {"received": "no-such-campaign"},
    {"!": {"received": "news"}},
    {"and": [{"received": "news"}, {"received": "offer"}]},
    {"and": [{"==": [{"var": "plan"}, "pro"]}, {"!": {"received": "news"}}]},
    {"or": [{"==": [{"var": "plan"}, "pro"]}, {"received": "offer"}]},
    {"!": {"or": [{"received": "news"}, {"received": "offer"}]}},
]


async def send_to(
    scene: Scene, campaign_id: str, *person_ids: str, brand_id: str = BRAND, **more: Any
) -> None:
    """A send of the campaign, which is made with its first, with a message to each that was
    sent."""
    send = made.send(campaign_id, brand_id=brand_id)
    values = {"status": MessageStatus.SENT, "sent_at": NOW, **more}
    rows = [
        made.message(person_id, brand_id=brand_id, send_id=send.id, **values)
        for person_id in person_ids
    ]

    async def insert(tx: Transaction) -> None:
        if await tx.campaigns.find(campaign_id) is None:
            await tx.campaigns.insert(
                made.campaign(id=campaign_id, brand_id=brand_id, status=CampaignStatus.SENDING)
            )
        await tx.sends.insert(send)
        await tx.messages.insert_many(rows)

    await scene.storage.write(insert)


async def put(scene: Scene, *person_ids: str, **more: Any) -> list[Person]:
    people = [made.person(person_id, **more) for person_id in person_ids]
    await scene.storage.write(lambda tx: tx.people.put_many(people))
    return people


async def matching(scene: Scene, document: object, as_of: datetime = NOW) -> set[str]:
    criteria = parse_criteria(document, "criteria")
    found = await scene.storage.read(
        lambda tx: tx.people.list_matching(made.rule("in_app"), criteria, as_of, None, 100)
    )
    counted = await scene.storage.read(
        lambda tx: tx.people.count_matching(made.rule("in_app"), criteria, as_of)
    )
    assert sum(each.people for each in counted) == len(found)
    return {member.person_id for member in found}


async def test_what_was_received_is_a_condition_like_others(scene: Scene) -> None:
    people = await put(scene, "ann", "bob", attributes={"plan": "pro"})
    people += await put(scene, "cai", "dee", attributes={"plan": "free"})
    # Bob had news twice, and once more beside another campaign.
    await send_to(scene, "news", "ann", "bob")
    await send_to(scene, "news", "bob", "cai")
    await send_to(scene, "offer", "bob")
    received = {"ann": ["news"], "bob": ["news", "offer"], "cai": ["news"], "dee": []}
    for document in CRITERIA:
        criteria = parse_criteria(document, "criteria")
        assert await matching(scene, document) == {
            person.person_id
            for person in people
            if matches_person(criteria, person, NOW, received[person.person_id])
        }, document


async def test_only_what_was_sent_is_received(scene: Scene) -> None:
    await put(scene, "ann")
    for status in MessageStatus:
        held = status in (MessageStatus.LEASED, MessageStatus.SENDING)
        if status is not MessageStatus.SENT and not held:
            await send_to(scene, "news", "ann", status=status, sent_at=None)
    await scene.one_off(status=MessageStatus.SENT, sent_at=NOW)
    assert await matching(scene, {"received": "news"}) == set()


async def test_what_is_sent_after_the_audience_was_fixed_does_not_change_it(scene: Scene) -> None:
    await put(scene, "ann")
    await send_to(scene, "news", "ann", sent_at=NOW + SECOND)
    assert await matching(scene, {"received": "news"}, NOW) == set()
    assert await matching(scene, {"received": "news"}, NOW + SECOND) == {"ann"}


async def test_messages_of_other_brands_are_not_received(scene: Scene) -> None:
    await put(scene, "ann")
    await put(scene, "ann", brand_id="other")
    await send_to(scene, "theirs", "ann", brand_id="other")
    assert await matching(scene, {"received": "theirs"}) == set()
