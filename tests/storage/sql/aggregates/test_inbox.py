from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage.contract.signals import inbox as inbox_topic
from storage.model.inbox import InboxItem
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW
from tests.support.storage.scene import Scene

LATER = NOW + timedelta(minutes=1)


async def put(scene: Scene, **more: Any) -> InboxItem:
    item = made.notification(**more)
    await scene.storage.write(lambda tx: tx.inbox.insert(item))
    return item


async def listed(scene: Scene, person_id: str = "ann") -> list[InboxItem]:
    return await scene.storage.read(lambda tx: tx.inbox.list_page(BRAND, person_id, None, 10))


async def unread(scene: Scene, person_id: str = "ann") -> int:
    return await scene.storage.read(lambda tx: tx.inbox.count_unread(BRAND, person_id))


async def test_an_item_comes_back_as_it_was_put(scene: Scene) -> None:
    full = await put(
        scene,
        category="result",
        title="Zoë",
        action_url="/results/7",
        metadata={"number": 5, "list": [1.5, None, "ü"]},
    )
    bare = await put(scene, body=None)
    assert await listed(scene) == [bare, full]
    assert await scene.storage.read(lambda tx: tx.inbox.find(BRAND, "ann", full.id)) == full


async def test_an_item_is_in_one_inbox(scene: Scene) -> None:
    item = await put(scene)
    for brand, person in ((BRAND, "bob"), ("other", "ann")):

        async def look(tx: Any, brand: str = brand, person: str = person) -> list[Any]:
            return [
                await tx.inbox.find(brand, person, item.id),
                await tx.inbox.list_page(brand, person, None, 10),
                await tx.inbox.count_unread(brand, person),
                await tx.inbox.mark_read(brand, person, [item.id], LATER),
                await tx.inbox.archive(brand, person, [item.id], LATER),
            ]

        assert await scene.storage.write(look) == [None, [], 0, 0, 0]
    assert await listed(scene) == [item]


async def test_what_is_read_first_stays_so_and_is_counted_once(scene: Scene) -> None:
    first, second = await put(scene), await put(scene)
    ids = [first.id, second.id, "unknown"]

    async def read(ids: list[str], now: Any) -> int:
        return await scene.storage.write(lambda tx: tx.inbox.mark_read(BRAND, "ann", ids, now))

    assert await unread(scene) == 2
    assert await read([first.id], NOW) == 1
    assert await unread(scene) == 1
    assert await read(ids, LATER) == 1
    assert [item.read_at for item in await listed(scene)] == [LATER, NOW]
    assert await unread(scene) == 0


async def test_what_is_archived_is_out_of_sight_and_not_unread(scene: Scene) -> None:
    gone, stays = await put(scene), await put(scene)

    async def archive() -> int:
        return await scene.storage.write(
            lambda tx: tx.inbox.archive(BRAND, "ann", [gone.id, "unknown"], LATER)
        )

    assert [await archive(), await archive()] == [1, 0]
    assert (await listed(scene), await unread(scene)) == ([stays], 1)
    found = await scene.storage.read(lambda tx: tx.inbox.find(BRAND, "ann", gone.id))
    assert found is not None
    assert (found.archived_at, found.read_at) == (LATER, None)


async def test_what_changes_an_inbox_wakes_who_waits_on_it_and_nobody_else(scene: Scene) -> None:
    signals = scene.storage.signals
    item = made.notification()
    changes = [
        lambda tx: tx.inbox.insert(item),
        lambda tx: tx.inbox.mark_read(BRAND, "ann", [item.id], NOW),
        lambda tx: tx.inbox.archive(BRAND, "ann", [item.id], NOW),
    ]
    with (
        signals.subscribe(inbox_topic(BRAND, "ann")) as hers,
        signals.subscribe(inbox_topic(BRAND, "bob")) as his,
    ):
        for change in changes:
            await scene.storage.write(change)
            assert (hers.is_set(), his.is_set()) == (True, False)
            hers.clear()
        for change in changes[1:]:
            await scene.storage.write(change)
            assert not hers.is_set(), "nothing changed"


async def test_the_unread_count_and_the_list_read_their_indexes(on_sqlite: Scene) -> None:
    # Plans show only on the connection.
    driver = on_sqlite.storage._writer._driver  # type: ignore[attr-defined]
    statements: list[str] = []
    driver.set_trace_callback(statements.append)

    async def look(tx: Any) -> None:
        await tx.inbox.count_unread(BRAND, "ann")
        await tx.inbox.list_page(BRAND, "ann", None, 10)
        await tx.people.find_patients(BRAND, "7")

    await on_sqlite.storage.write(look)
    driver.set_trace_callback(None)
    plans = [
        step
        for statement in statements
        if statement.startswith("SELECT")
        for *_, step in driver.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    ]
    assert [step.partition(" (")[0] for step in plans] == [
        "SEARCH inbox_items USING INDEX ix_inbox_items_unread",
        "SEARCH inbox_items USING INDEX sqlite_autoindex_inbox_items_1",
        "SEARCH people USING INDEX ix_people_patient_id",
    ]
