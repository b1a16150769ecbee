from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from storage.contract.errors import StorageError, WriteConflict
from storage.contract.storage import Transaction
from storage.model.audiences import AudienceCount, AudienceMember
from storage.model.brands import Brand
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.criteria import EVERYONE
from storage.model.idempotency import IdempotencyRecord
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW, SECOND
from tests.support.storage.scene import Scene


async def test_every_field_of_a_campaign_comes_back_as_it_was_given(scene: Scene) -> None:
    given = await scene.campaign(
        description="d",
        segment_id="s",
        segment_criteria={"==": [{"var": "x"}, None]},
        variables={"list": [1, {"a": None}]},
        scheduled_at=NOW,
        published_at=NOW + SECOND,
        sent_at=NOW + 2 * SECOND,
        cancelled_at=NOW + 3 * SECOND,
        template_revision=2,
        expire_at=NOW + 4 * SECOND,
        cancelled_send_ids=("send-1", "send-2"),
    )
    assert await scene.found_campaign(given.id) == given
    without = await scene.campaign(segment_criteria=None, subject=None)
    assert await scene.found_campaign(without.id) == without


async def test_replacing_a_campaign_writes_every_field(scene: Scene) -> None:
    given = await scene.campaign()
    other = made.campaign(
        id=given.id,
        name="Other",
        segment_criteria=None,
        variables={},
        status=CampaignStatus.SCHEDULED,
        scheduled_at=NOW,
    )
    await scene.storage.write(lambda tx: tx.campaigns.replace(other))
    assert await scene.found_campaign(given.id) == other


async def test_replacing_a_campaign_that_does_not_exist_fails(scene: Scene) -> None:
    with pytest.raises(StorageError):
        await scene.storage.write(lambda tx: tx.campaigns.replace(made.campaign()))


async def test_a_deleted_campaign_is_gone_and_one_with_a_send_stays(scene: Scene) -> None:
    given = await scene.campaign()
    await scene.storage.write(lambda tx: tx.campaigns.delete(given.id))
    assert await scene.storage.read(lambda tx: tx.campaigns.find(given.id)) is None
    send, _ = await scene.send(1)
    with pytest.raises(StorageError):
        await scene.storage.write(lambda tx: tx.campaigns.delete(send.campaign_id))


async def test_a_lock_makes_concurrent_changes_of_a_campaign_follow_each_other(
    scene: Scene,
) -> None:
    given = await scene.campaign(variables={"count": 0})

    async def count(tx: Transaction) -> None:
        found = await tx.campaigns.find(given.id, lock=True)
        assert found is not None
        assert isinstance(found.variables["count"], int)
        await tx.campaigns.replace(
            replace(found, variables={"count": found.variables["count"] + 1})
        )

    await asyncio.gather(*(scene.storage.write(count) for _ in range(15)))
    assert (await scene.found_campaign(given.id)).variables == {"count": 15}


async def test_campaigns_are_listed_by_brand_face_and_status_newest_first(scene: Scene) -> None:
    first, second = await scene.campaign(), await scene.campaign(status=CampaignStatus.SENT)
    await scene.campaign(face="messaging")
    await scene.campaign(brand_id="other")

    async def listed(
        status: CampaignStatus | None, after: str | None = None, limit: int = 10
    ) -> list[Campaign]:
        return await scene.storage.read(
            lambda tx: tx.campaigns.list_page(BRAND, "comms", status, after, limit)
        )

    assert await listed(None) == [second, first]
    assert await listed(None, limit=1) == [second]
    assert await listed(None, after=second.id) == [first]
    assert await listed(CampaignStatus.SENT) == [second]


async def test_due_campaigns_are_the_scheduled_ones_earliest_first(scene: Scene) -> None:
    late = await scene.campaign(status=CampaignStatus.SCHEDULED, scheduled_at=NOW)
    early = await scene.campaign(status=CampaignStatus.SCHEDULED, scheduled_at=NOW - SECOND)
    await scene.campaign(status=CampaignStatus.SCHEDULED, scheduled_at=NOW + SECOND)
    await scene.campaign(status=CampaignStatus.SENT, scheduled_at=NOW - SECOND)
    assert await scene.storage.read(lambda tx: tx.campaigns.list_due(NOW, 10)) == [
        early.id,
        late.id,
    ]
    assert await scene.storage.read(lambda tx: tx.campaigns.list_due(NOW, 1)) == [early.id]
    assert await scene.storage.read(lambda tx: tx.campaigns.next_due()) == NOW - SECOND


async def test_no_scheduled_campaign_is_no_due_time(scene: Scene) -> None:
    await scene.campaign(scheduled_at=NOW)
    assert await scene.storage.read(lambda tx: tx.campaigns.next_due()) is None


async def test_revisions_of_a_template_are_numbered_from_one_for_each_key(scene: Scene) -> None:
    given = made.template(revision=7, subject="S", html="<p>")
    assert await scene.storage.write(lambda tx: tx.templates.append(given)) == replace(
        given, revision=1
    )
    assert (await scene.storage.write(lambda tx: tx.templates.append(given))).revision == 2
    for other in (
        replace(given, channel="sms"),
        replace(given, template_key="other"),
        replace(given, brand_id="other"),
    ):
        assert (
            await scene.storage.write(lambda tx, other=other: tx.templates.append(other))  # type: ignore[misc]
        ).revision == 1


async def test_appending_at_once_gives_different_numbers(scene: Scene) -> None:
    appended = await asyncio.gather(
        *(scene.storage.write(lambda tx: tx.templates.append(made.template())) for _ in range(20))
    )
    assert sorted(each.revision for each in appended) == list(range(1, 21))


async def test_a_template_is_found_by_revision_or_the_latest(scene: Scene) -> None:
    first = await scene.storage.write(lambda tx: tx.templates.append(made.template(body="1")))
    second = await scene.storage.write(lambda tx: tx.templates.append(made.template(body="2")))
    assert (
        await scene.storage.read(lambda tx: tx.templates.find(BRAND, "email", "welcome")) == second
    )
    assert (
        await scene.storage.read(lambda tx: tx.templates.find(BRAND, "email", "welcome", 1))
        == first
    )
    assert (
        await scene.storage.read(lambda tx: tx.templates.find(BRAND, "email", "welcome", 3)) is None
    )
    assert await scene.storage.read(lambda tx: tx.templates.find(BRAND, "email", "nothing")) is None
    assert await scene.storage.read(
        lambda tx: tx.templates.list_revisions(BRAND, "email", "welcome", None, 1)
    ) == [second]
    assert await scene.storage.read(
        lambda tx: tx.templates.list_revisions(BRAND, "email", "welcome", 2, 5)
    ) == [first]


async def test_putting_a_person_again_replaces_all_but_when_it_was_made(scene: Scene) -> None:
    first = made.person(attributes={"plan": "pro", "n": 1.5, "ü": None})
    assert await scene.storage.write(lambda tx: tx.people.put(first)) == first
    second = made.person(
        attributes={}, email=None, phone=None, push_tokens=(), locale=None, time_zone=None
    )
    second = replace(second, created_at=NOW + SECOND, updated_at=NOW + SECOND)
    stored = await scene.storage.write(lambda tx: tx.people.put(second))
    assert stored == replace(second, created_at=NOW)
    assert await scene.storage.read(lambda tx: tx.people.find(BRAND, "ann")) == stored


async def test_people_are_kept_apart_by_brand(scene: Scene) -> None:
    ours, theirs = made.person(), made.person(brand_id="other", locale="fr")
    await scene.storage.write(lambda tx: tx.people.put(ours))
    await scene.storage.write(lambda tx: tx.people.put(theirs))
    assert await scene.storage.read(lambda tx: tx.people.find("other", "ann")) == theirs
    assert await scene.storage.read(lambda tx: tx.people.find_many(BRAND, ["ann"])) == {"ann": ours}
    assert await scene.storage.write(lambda tx: tx.people.delete("other", "ann"))
    assert not await scene.storage.write(lambda tx: tx.people.delete("other", "ann"))
    assert await scene.storage.read(lambda tx: tx.people.find(BRAND, "ann")) == ours


async def test_any_number_of_people_are_found_at_once(scene: Scene) -> None:
    ids = [f"p{number}" for number in range(300)]

    async def put(tx: Transaction) -> None:
        for person_id in ids:
            await tx.people.put(made.person(person_id))

    await scene.storage.write(put)
    asked = [f"p{number}" for number in range(40_000)]
    found = await scene.storage.read(lambda tx: tx.people.find_many(BRAND, asked))
    assert sorted(found) == sorted(ids)
    assert await scene.storage.read(lambda tx: tx.people.find_many(BRAND, [])) == {}


@pytest.mark.parametrize(
    ("channel", "addresses"),
    [
        ("email", ["ann@example.com", None, None]),
        ("sms", ["+1", None, None]),
        ("push", ["first", None, None]),
        ("in_app", ["ann", "bob", "cem"]),
    ],
)
async def test_an_audience_has_the_address_of_its_channel_and_an_empty_one_is_none(
    scene: Scene, channel: str, addresses: list[str | None]
) -> None:
    await scene.storage.write(lambda tx: tx.people.put(made.person("ann", phone="+1")))
    await scene.storage.write(
        lambda tx: tx.people.put(made.person("bob", email=None, phone=None, push_tokens=()))
    )
    await scene.storage.write(
        lambda tx: tx.people.put(made.person("cem", email="", phone="", push_tokens=("", "second")))
    )
    expected = [
        AudienceMember(person_id, address or "", None if address else "no_address")
        for person_id, address in zip(("ann", "bob", "cem"), addresses, strict=True)
    ]
    assert (
        await scene.storage.read(
            lambda tx: tx.people.list_matching(BRAND, EVERYONE, channel, made.NOW, None, 10)
        )
        == expected
    )


async def test_people_with_one_address_are_counted_and_so_are_the_addresses(scene: Scene) -> None:
    emails = {
        "ann": "a@example.com",
        "bob": "a@example.com",
        "cem": "c@example.com",
        "dan": None,
        "eve": "",
    }
    for person_id, email in emails.items():
        await scene.storage.write(
            lambda tx, person_id=person_id, email=email: tx.people.put(
                made.person(person_id, email=email)
            )  # type: ignore[misc]
        )
    counts = await scene.storage.read(
        lambda tx: tx.people.count_matching(BRAND, EVERYONE, "email", made.NOW)
    )
    assert {each.skip_reason: each for each in counts} == {
        None: AudienceCount(None, people=3, addresses=2),
        "no_address": AudienceCount("no_address", people=2, addresses=1),
    }


async def test_an_audience_is_in_order_of_code_points_and_paged(scene: Scene) -> None:
    ids = ["Z", "a", "B", "ä", "é", "1", "-", "\U0001f600", "\uffee"]
    for person_id in ids:
        await scene.storage.write(
            lambda tx, person_id=person_id: tx.people.put(made.person(person_id))  # type: ignore[misc]
        )
    seen: list[str] = []
    after = None

    def page(after: str | None) -> Awaitable[list[AudienceMember]]:
        return scene.storage.read(
            lambda tx: tx.people.list_matching(BRAND, EVERYONE, "in_app", made.NOW, after, 2)
        )

    while members := await page(after):
        seen += [member.person_id for member in members]
        after = seen[-1]
    assert seen == sorted(ids)


async def test_segments_are_found_and_listed_newest_first(scene: Scene) -> None:
    first, second = made.segment(criteria={"==": [{"var": "a"}, 1]}), made.segment()
    for segment in (first, second, made.segment(brand_id="other")):
        await scene.storage.write(lambda tx, segment=segment: tx.segments.insert(segment))  # type: ignore[misc]
    assert await scene.storage.read(lambda tx: tx.segments.find(first.id)) == first
    assert await scene.storage.read(lambda tx: tx.segments.find("nobody")) is None
    assert await scene.storage.read(lambda tx: tx.segments.list_page(BRAND, None, 10)) == [
        second,
        first,
    ]
    assert await scene.storage.read(lambda tx: tx.segments.list_page(BRAND, second.id, 10)) == [
        first
    ]


async def test_an_idempotency_record_comes_back_as_it_was_given(scene: Scene) -> None:
    given = made.idempotency_record()
    await scene.storage.write(lambda tx: tx.idempotency.insert(given))
    assert await scene.storage.read(lambda tx: tx.idempotency.find(given.scope, given.key)) == given
    assert await scene.storage.read(lambda tx: tx.idempotency.find("other", given.key)) is None
    with pytest.raises(WriteConflict):
        await scene.storage.write(lambda tx: tx.idempotency.insert(given))


async def test_of_concurrent_requests_with_one_idempotency_key_one_inserts_and_the_others_find_it(
    scene: Scene,
) -> None:
    async def request(number: int) -> IdempotencyRecord:
        async def once(tx: Transaction) -> IdempotencyRecord:
            if (found := await tx.idempotency.find("brand/send", "key")) is not None:
                return found
            await tx.idempotency.insert(made.idempotency_record(response=bytes([number])))
            found = await tx.idempotency.find("brand/send", "key")
            assert found is not None
            return found

        return await scene.storage.write(once)

    answers = await asyncio.gather(*(request(number) for number in range(10)))
    assert len({answer.response for answer in answers}) == 1


async def test_storage_is_empty_until_there_is_a_brand(scene: Scene) -> None:
    assert await scene.storage.read(lambda tx: tx.is_empty())
    brand = Brand(id=BRAND, name=BRAND, created_by="tester", created_at=NOW, updated_at=NOW)
    assert await scene.storage.write(lambda tx: tx.brands.insert(brand))
    assert not await scene.storage.read(lambda tx: tx.is_empty())
