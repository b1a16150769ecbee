"""The generations of dispatchers, and the hold."""

from __future__ import annotations

import asyncio

import pytest

from storage.model.dispatchers import Hold
from tests.support.storage.made import NOW, SECOND
from tests.support.storage.scene import Scene


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
