"""People, and the audiences made of them."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace

import pytest

from storage.contract.storage import Transaction
from storage.model.audiences import AudienceCount, AudienceMember
from storage.model.criteria import EVERYONE
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW, SECOND
from tests.support.storage.scene import Scene


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
            lambda tx: tx.people.list_matching(made.rule(channel), EVERYONE, made.NOW, None, 10)
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
        lambda tx: tx.people.count_matching(made.rule("email"), EVERYONE, made.NOW)
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
            lambda tx: tx.people.list_matching(made.rule("in_app"), EVERYONE, made.NOW, after, 2)
        )

    while members := await page(after):
        seen += [member.person_id for member in members]
        after = seen[-1]
    assert seen == sorted(ids)
