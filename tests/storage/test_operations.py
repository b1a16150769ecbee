"""Policies of brands, the log of decisions, generations of dispatchers, and the hold."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from storage.model.audit import AuditEntry
from storage.model.brands import Brand, BrandPolicy, MisfirePolicy, UnknownPolicy
from storage.model.dispatchers import Hold
from storage.model.ids import new_id
from tests.support.storage.made import BRAND, NOW, SECOND
from tests.support.storage.scene import Scene


def policy(**more: Any) -> BrandPolicy:
    values: dict[str, Any] = {
        "brand_id": BRAND,
        "unknown_policy": UnknownPolicy.RESEND,
        "misfire_policy": MisfirePolicy.EXPIRE_AFTER,
        "misfire_seconds": 600,
        "rate_limits": {"email": {"per_second": 0.1, "burst": 5}},
        "updated_at": NOW,
        "updated_by": "tester",
    }
    return BrandPolicy(**values | more)


def entry(**more: Any) -> AuditEntry:
    values: dict[str, Any] = {
        "id": new_id(),
        "brand_id": BRAND,
        "actor": "tester",
        "action": "send.paused",
        "subject_id": "send",
        "details": {"note": "Zoë", "count": 3},
        "created_at": NOW,
        "request_id": "request-7",
    }
    return AuditEntry(**values | more)


def brand(brand_id: str, **more: Any) -> Brand:
    values: dict[str, Any] = {
        "id": brand_id,
        "name": "Zoë's",
        "created_by": "tester",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Brand(**values | more)


async def test_a_brand_comes_back_as_it_was_put_and_only_once(scene: Scene) -> None:
    assert await scene.storage.read(lambda tx: tx.is_empty())
    assert await scene.storage.write(lambda tx: tx.brands.insert(brand("acme")))
    assert not await scene.storage.write(lambda tx: tx.brands.insert(brand("acme", name="other")))
    assert not await scene.storage.read(lambda tx: tx.is_empty())
    assert await scene.storage.read(lambda tx: tx.brands.find("acme")) == brand("acme")
    assert await scene.storage.read(lambda tx: tx.brands.find("nobody")) is None


async def test_a_brand_is_renamed(scene: Scene) -> None:
    for each in ("acme", "other"):
        await scene.storage.write(lambda tx, each=each: tx.brands.insert(brand(each)))  # type: ignore[misc]
    renamed = brand("acme", name="Acme", updated_at=NOW + SECOND)
    assert (
        await scene.storage.write(lambda tx: tx.brands.rename("acme", "Acme", NOW + SECOND))
        == renamed
    )
    assert await scene.storage.write(lambda tx: tx.brands.rename("nobody", "Acme", NOW)) is None
    assert await scene.storage.read(lambda tx: tx.brands.list_page("", None, 10)) == [
        renamed,
        brand("other"),
    ]


async def test_brands_are_listed_by_id_and_prefix_page_by_page(scene: Scene) -> None:
    for each in ("b", "a-2", "a_2", "a-10", "a", "aB"):
        await scene.storage.write(lambda tx, each=each: tx.brands.insert(brand(each)))  # type: ignore[misc]

    async def ids(prefix: str, after: str | None, limit: int) -> list[str]:
        return [
            each.id
            for each in await scene.storage.read(
                lambda tx: tx.brands.list_page(prefix, after, limit)
            )
        ]

    assert await ids("", None, 10) == ["a", "a-10", "a-2", "aB", "a_2", "b"]
    assert await ids("a", "a", 2) == ["a-10", "a-2"]
    assert await ids("a_", None, 10) == ["a_2"]


async def test_of_many_ids_those_of_brands_are_found(scene: Scene) -> None:
    await scene.storage.write(lambda tx: tx.brands.insert(brand("acme")))
    many = ["acme", "nobody", *(f"brand-{number}" for number in range(40_000))]
    assert await scene.storage.read(lambda tx: tx.brands.find_existing(many)) == {"acme"}


async def test_a_policy_comes_back_as_it_was_put(scene: Scene) -> None:
    for given in (policy(), BrandPolicy(brand_id="defaults")):
        await scene.storage.write(lambda tx, given=given: tx.brands.put_policy(given))  # type: ignore[misc]
        found = await scene.storage.read(
            lambda tx, given=given: tx.brands.find_policy(given.brand_id)  # type: ignore[misc]
        )
        assert found == given
    assert await scene.storage.read(lambda tx: tx.brands.find_policy("nobody")) is None


async def test_putting_a_policy_again_replaces_it(scene: Scene) -> None:
    changed = policy(
        unknown_policy=UnknownPolicy.PARK,
        rate_limits={},
        updated_at=NOW + SECOND,
        updated_by="other",
    )
    for each in (policy(), policy(brand_id="other"), changed):
        await scene.storage.write(lambda tx, each=each: tx.brands.put_policy(each))  # type: ignore[misc]
    assert await scene.storage.read(lambda tx: tx.brands.find_policy(BRAND)) == changed
    assert await scene.storage.read(lambda tx: tx.brands.find_policy("other")) == policy(
        brand_id="other"
    )


async def test_of_many_brands_those_with_a_policy_are_found(scene: Scene) -> None:
    await scene.storage.write(lambda tx: tx.brands.put_policy(policy()))
    await scene.storage.write(lambda tx: tx.brands.put_policy(policy(brand_id="other")))
    many = [BRAND, "nobody", *(f"brand-{number}" for number in range(40_000))]
    assert await scene.storage.read(lambda tx: tx.brands.find_policies(many)) == {BRAND: policy()}
    assert await scene.storage.read(lambda tx: tx.brands.find_policies([])) == {}


async def test_audit_entries_of_a_brand_are_listed_newest_first_and_page_by_page(
    scene: Scene,
) -> None:
    given = [entry(subject_id=subject) for subject in ("a", "b", "a", "a")]
    await scene.storage.write(
        lambda tx: tx.audit.append([*given, entry(brand_id="other", subject_id="a")])
    )
    await scene.storage.write(lambda tx: tx.audit.append([]))
    newest_first = given[::-1]
    assert (
        await scene.storage.read(lambda tx: tx.audit.list_page(BRAND, None, None, 3))
        == newest_first[:3]
    )
    assert (
        await scene.storage.read(lambda tx: tx.audit.list_page(BRAND, None, newest_first[2].id, 3))
        == newest_first[3:]
    )
    of_subject = [each for each in newest_first if each.subject_id == "a"]
    assert (
        await scene.storage.read(lambda tx: tx.audit.list_page(BRAND, "a", None, 2))
        == of_subject[:2]
    )
    assert (
        await scene.storage.read(lambda tx: tx.audit.list_page(BRAND, "a", of_subject[1].id, 2))
        == of_subject[2:]
    )


async def test_delivery_is_not_held_at_first(scene: Scene) -> None:
    assert await scene.storage.read(lambda tx: tx.dispatchers.find_hold()) == Hold()


async def test_a_hold_stays_as_it_was_first_said_until_it_is_released(scene: Scene) -> None:
    await scene.storage.write(lambda tx: tx.dispatchers.hold("restored", NOW))
    await scene.storage.write(lambda tx: tx.dispatchers.hold("again", NOW + SECOND))
    assert await scene.storage.read(lambda tx: tx.dispatchers.find_hold()) == Hold(
        held_at=NOW, reason="restored"
    )
    await scene.storage.write(lambda tx: tx.dispatchers.release("ops", NOW + 2 * SECOND))
    assert await scene.storage.read(lambda tx: tx.dispatchers.find_hold()) == Hold(
        released_at=NOW + 2 * SECOND, released_by="ops"
    )
    await scene.storage.write(lambda tx: tx.dispatchers.hold("once more", NOW + 3 * SECOND))
    assert await scene.storage.read(lambda tx: tx.dispatchers.find_hold()) == Hold(
        held_at=NOW + 3 * SECOND, reason="once more"
    )


async def test_a_release_without_a_hold_says_who_released(scene: Scene) -> None:
    await scene.storage.write(lambda tx: tx.dispatchers.release("ops", NOW))
    assert await scene.storage.read(lambda tx: tx.dispatchers.find_hold()) == Hold(
        released_at=NOW, released_by="ops"
    )


async def advance(scene: Scene, known: int, following: int, dispatcher_id: str = "one") -> bool:
    return await scene.storage.write(
        lambda tx: tx.dispatchers.advance(dispatcher_id, known, following)
    )


async def generation(scene: Scene, dispatcher_id: str = "one") -> int | None:
    return await scene.storage.read(lambda tx: tx.dispatchers.find_generation(dispatcher_id))


async def test_generations_of_dispatchers_grow_side_by_side(scene: Scene) -> None:
    assert not await scene.storage.read(lambda tx: tx.dispatchers.exist())
    assert await generation(scene) is None
    assert await advance(scene, 0, 1)
    assert await advance(scene, 1, 2)
    assert await advance(scene, 0, 1, "other")
    assert (await generation(scene), await generation(scene, "other")) == (2, 1)
    assert await scene.storage.read(lambda tx: tx.dispatchers.exist())


async def test_a_generation_that_the_database_has_not_reached_is_refused(scene: Scene) -> None:
    await advance(scene, 0, 5)
    assert not await advance(scene, 6, 7)
    assert await generation(scene) == 5


async def test_a_database_that_does_not_know_a_dispatcher_which_called_providers_refuses_it(
    scene: Scene,
) -> None:
    assert not await advance(scene, 3, 4)
    assert await generation(scene) is None


@pytest.mark.parametrize("known", [0, 3])
async def test_a_generation_may_be_ahead_of_what_the_file_says_but_never_goes_back(
    scene: Scene, known: int
) -> None:
    """The file follows the database: a crash between the two leaves the file behind."""
    await advance(scene, 0, 5)
    assert not await advance(scene, known, 4)
    assert not await advance(scene, known, 5)
    assert await generation(scene) == 5
    assert await advance(scene, known, 6)
    assert await generation(scene) == 6


async def test_no_generation_advances_while_delivery_is_held(scene: Scene) -> None:
    await advance(scene, 0, 1)
    await scene.storage.write(lambda tx: tx.dispatchers.hold("restored", NOW))
    assert not await advance(scene, 1, 2)
    assert not await advance(scene, 0, 2)
    assert not await advance(scene, 0, 1, "new")
    assert (await generation(scene), await generation(scene, "new")) == (1, None)


async def test_a_release_forgets_all_generations_and_each_dispatcher_starts_from_its_file(
    scene: Scene,
) -> None:
    for dispatcher_id in ("one", "other"):
        await advance(scene, 0, 9, dispatcher_id)
    await scene.storage.write(lambda tx: tx.dispatchers.hold("restored", NOW))
    await scene.storage.write(lambda tx: tx.dispatchers.release("ops", NOW))
    assert not await scene.storage.read(lambda tx: tx.dispatchers.exist())
    assert (await generation(scene), await generation(scene, "other")) == (None, None)
    assert not await advance(scene, 40, 41)
    await scene.storage.write(lambda tx: tx.dispatchers.adopt("one", 40))
    assert await advance(scene, 40, 41)


async def test_a_dispatcher_that_adopts_sets_its_generation_whatever_it_was(scene: Scene) -> None:
    for number in (7, 3):
        await scene.storage.write(lambda tx, number=number: tx.dispatchers.adopt("one", number))  # type: ignore[misc]
        assert await generation(scene) == number


async def test_of_many_advances_from_one_generation_at_once_one_succeeds(scene: Scene) -> None:
    """Two processes with copies of one file."""
    await advance(scene, 0, 1)
    assert sorted(await asyncio.gather(*(advance(scene, 1, 2) for _ in range(6)))) == [
        False
    ] * 5 + [True]
    assert sorted(await asyncio.gather(*(advance(scene, 0, 1, "new") for _ in range(6)))) == [
        False
    ] * 5 + [True]
