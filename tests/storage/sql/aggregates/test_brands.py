"""Brands, and what each wants."""

from __future__ import annotations

from typing import Any

from storage.model.brands import Brand, BrandPolicy, MisfirePolicy, UnknownPolicy
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


async def test_storage_is_empty_until_there_is_a_brand(scene: Scene) -> None:
    assert await scene.storage.read(lambda tx: tx.is_empty())
    brand = Brand(id=BRAND, name=BRAND, created_by="tester", created_at=NOW, updated_at=NOW)
    assert await scene.storage.write(lambda tx: tx.brands.insert(brand))
    assert not await scene.storage.read(lambda tx: tx.is_empty())
