"""Push subscriptions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage.model.ids import new_id
from storage.model.push_subscriptions import PushSubscription
from tests.support.storage.made import BRAND, NOW
from tests.support.storage.scene import Scene


def subscription(endpoint: str = "https://push.example.net/a", **more: Any) -> PushSubscription:
    values: dict[str, Any] = {
        "id": new_id(),
        "brand_id": BRAND,
        "person_id": "ann",
        "p256dh": "key",
        "auth": "secret",
        "user_agent": "Mozilla/5.0",
        "created_at": NOW,
        "expires_at": None,
    } | more
    return PushSubscription(endpoint=endpoint, **values)


async def put(scene: Scene, record: PushSubscription) -> PushSubscription:
    return await scene.storage.write(lambda tx: tx.push_subscriptions.put(record))


async def of(scene: Scene, person_id: str, limit: int = 100) -> list[PushSubscription]:
    return await scene.storage.read(
        lambda tx: tx.push_subscriptions.list_of_person(BRAND, person_id, limit)
    )


async def test_what_is_put_is_found(scene: Scene) -> None:
    record = subscription(expires_at=NOW + timedelta(days=1))
    assert await put(scene, record) == record
    assert await scene.storage.read(lambda tx: tx.push_subscriptions.find(record.id)) == record
    assert await scene.storage.read(lambda tx: tx.push_subscriptions.find("other")) is None


async def test_the_same_person_keeps_the_id_and_takes_the_new_keys(scene: Scene) -> None:
    first = await put(scene, subscription())
    again = subscription(
        p256dh="other", auth="another", user_agent=None, created_at=NOW + timedelta(days=1)
    )
    kept = await put(scene, again)
    assert (kept.id, kept.created_at) == (first.id, first.created_at)
    assert (kept.p256dh, kept.auth, kept.user_agent) == ("other", "another", None)
    assert await of(scene, "ann") == [kept]


async def test_another_person_at_the_endpoint_gets_an_id_of_their_own(scene: Scene) -> None:
    first = await put(scene, subscription())
    taken = subscription(person_id="bob", created_at=NOW + timedelta(days=1))
    assert await put(scene, taken) == taken
    assert await of(scene, "ann") == []
    assert await of(scene, "bob") == [taken]
    assert await scene.storage.read(lambda tx: tx.push_subscriptions.find(first.id)) is None


async def test_an_endpoint_is_one_in_each_brand(scene: Scene) -> None:
    here = await put(scene, subscription())
    there = await put(scene, subscription(brand_id="other"))
    assert here.id != there.id
    assert await of(scene, "ann") == [here]


async def test_a_person_has_their_newest_first_and_can_lose_all(scene: Scene) -> None:
    records = [await put(scene, subscription(f"https://push.example.net/{n}")) for n in range(3)]
    other = await put(scene, subscription("https://push.example.net/x", person_id="bob"))
    assert await of(scene, "ann", 2) == [records[2], records[1]]
    assert (
        await scene.storage.write(lambda tx: tx.push_subscriptions.delete_of_person(BRAND, "ann"))
        == 3
    )
    assert (await of(scene, "ann"), await of(scene, "bob")) == ([], [other])


async def test_one_is_deleted_once(scene: Scene) -> None:
    record = await put(scene, subscription())
    for deleted in (True, False):
        assert (
            await scene.storage.write(lambda tx: tx.push_subscriptions.delete(record.id)) is deleted
        )
