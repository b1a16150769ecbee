"""Suppressions, and audiences that skip them."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from storage.contract.storage import Transaction
from storage.model.criteria import EVERYONE
from storage.model.ids import new_id
from storage.model.suppressions import Suppression, SuppressionReason
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW
from tests.support.storage.scene import Scene

WEAKEST_FIRST = list(SuppressionReason)


def suppression(
    address: str = "ann@example.com",
    reason: SuppressionReason = SuppressionReason.MANUAL,
    **more: Any,
) -> Suppression:
    values: dict[str, Any] = {
        "id": new_id(),
        "brand_id": BRAND,
        "channel": "email",
        "source": "test",
        "created_at": NOW,
    } | more
    return Suppression(address=address, reason=reason, **values)


async def put(scene: Scene, *records: Suppression) -> None:
    await scene.storage.write(lambda tx: tx.suppressions.put_many(records))


async def stored(scene: Scene, address: str = "ann@example.com") -> Suppression | None:
    return await scene.storage.read(
        lambda tx: tx.suppressions.find_address(BRAND, "email", address)
    )


@pytest.mark.parametrize("together", [True, False])
async def test_the_strongest_reason_stays_in_whatever_order_they_come(
    scene: Scene, together: bool
) -> None:
    for number, order in enumerate(permutations(WEAKEST_FIRST)):
        records = [
            suppression(f"p{number}", reason, source=reason, created_at=NOW + timedelta(hours=hour))
            for hour, reason in enumerate(order)
        ]
        if together:
            await put(scene, *records)
        else:
            for record in records:
                await put(scene, record)
        expected = replace(records[0], reason=SuppressionReason.COMPLAINT, source="complaint")
        assert await stored(scene, f"p{number}") == expected


async def test_the_same_address_is_apart_by_brand_and_channel(scene: Scene) -> None:
    records = [suppression(), suppression(channel="push"), suppression(brand_id="other")]
    await put(scene, *records)
    for record in records:
        assert (
            await scene.storage.read(lambda tx, id_=record.id: tx.suppressions.find(id_)) == record  # type: ignore[misc]
        )
    assert await stored(scene) == records[0]


async def lift(scene: Scene, record: Suppression, now: datetime = NOW) -> Suppression | None:
    return await scene.storage.write(lambda tx: tx.suppressions.lift(record.id, now))


async def test_one_that_is_lifted_holds_nothing_back_and_stays_as_it_was(scene: Scene) -> None:
    first, second = suppression(), suppression(reason=SuppressionReason.UNSUBSCRIBE)
    await put(scene, first)
    lifted = replace(first, lifted_at=NOW + timedelta(hours=1))
    assert await lift(scene, first, NOW + timedelta(hours=1)) == lifted
    assert await lift(scene, first, NOW + timedelta(hours=2)) is None
    assert await stored(scene) is None

    async def look(tx: Transaction) -> list[object]:
        return [
            await tx.gate.may_block(made.rule()),
            await tx.gate.find_blocks(made.rule(), [("ann", first.address)]),
            await tx.suppressions.list_page(BRAND, None, None, None, 9),
            await tx.suppressions.list_page(BRAND, None, None, None, 9, include_lifted=True),
            await tx.suppressions.find(first.id),
        ]

    assert await scene.storage.read(look) == [False, {}, [], [lifted], lifted]
    await put(scene, second)
    assert await stored(scene) == second
    await lift(scene, second)
    await put(scene, suppression(), suppression(reason=SuppressionReason.COMPLAINT))
    assert [
        (each.reason, each.lifted_at is None)
        for each in await scene.storage.read(
            lambda tx: tx.suppressions.list_page(BRAND, None, None, None, 9, include_lifted=True)
        )
    ] == [("complaint", True), ("unsubscribe", False), ("manual", False)]


async def test_an_audience_has_those_again_whose_suppression_was_lifted(scene: Scene) -> None:
    record = suppression()
    await put(scene, record)
    await scene.storage.write(lambda tx: tx.people.put(made.person("ann", email=record.address)))

    async def reasons() -> list[str | None]:
        members = await scene.storage.read(
            lambda tx: tx.people.list_matching(made.rule("email"), EVERYONE, NOW, None, 10)
        )
        return [member.skip_reason for member in members]

    assert await reasons() == ["suppressed"]
    await lift(scene, record)
    assert await reasons() == [None]


async def test_batches_with_the_same_addresses_at_once_all_take_effect(scene: Scene) -> None:
    addresses = [f"p{number}" for number in range(300)]
    batches = [
        [
            suppression(address, reason)
            for address in (addresses if number % 2 else reversed(addresses))
        ]
        for number, reason in enumerate(WEAKEST_FIRST * 2)
    ]
    await asyncio.gather(*(put(scene, *batch) for batch in batches))
    found = await scene.storage.read(
        lambda tx: tx.suppressions.list_page(BRAND, None, None, None, 400)
    )
    assert {each.address: each.reason for each in found} == dict.fromkeys(
        addresses, SuppressionReason.COMPLAINT
    )


@pytest.mark.parametrize("reason", WEAKEST_FIRST)
async def test_an_audience_says_who_is_suppressed_and_counts_whom_it_lists(
    scene: Scene, reason: SuppressionReason
) -> None:
    people = [
        made.person("ann", email="ann@example.com"),
        made.person("bob", email="Éva@example.com"),
        made.person("cem", email="éva@example.com"),
        made.person("dan", email=None),
        made.person("eve", email=""),
        made.person("flo", email="flo@example.com"),
        made.person("gus", email="ann@example.com", brand_id="other"),
    ]
    for person in people:
        await scene.storage.write(lambda tx, person=person: tx.people.put(person))  # type: ignore[misc]
    others = [
        suppression("flo@example.com", reason, channel="push"),
        suppression("flo@example.com", reason, brand_id="other"),
    ]
    # No address is suppressed by an empty one.
    await put(
        scene,
        suppression("ann@example.com", reason),
        suppression("Éva@example.com", reason),
        suppression("", reason),
        *others,
    )
    members = await scene.storage.read(
        lambda tx: tx.people.list_matching(made.rule("email"), EVERYONE, NOW, None, 10)
    )
    assert {member.person_id: member.skip_reason for member in members} == {
        "ann": "suppressed",
        "bob": "suppressed",
        "cem": None,
        "dan": "no_address",
        "eve": "no_address",
        "flo": None,
    }
    counts = await scene.storage.read(
        lambda tx: tx.people.count_matching(made.rule("email"), EVERYONE, NOW)
    )
    assert {(each.skip_reason, each.people) for each in counts} == set(
        Counter(member.skip_reason for member in members).items()
    )
