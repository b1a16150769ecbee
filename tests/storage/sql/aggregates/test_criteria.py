"""Whom an audience takes in: the rest of what criteria mean is tested in `criteria/`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from server.domain.criteria.parse import parse_criteria
from storage.model.criteria import EVERYONE, Attribute, Constant, Criteria, Equal
from tests.support.storage import made
from tests.support.storage.made import NOW, SECOND
from tests.support.storage.scene import Scene


async def put(scene: Scene, person_id: str, **more: Any) -> None:
    person = made.person(person_id, **more)
    await scene.storage.write(lambda tx: tx.people.put(person))


async def matching(scene: Scene, criteria: Criteria, as_of: datetime = NOW) -> set[str]:
    found = await scene.storage.read(
        lambda tx: tx.people.list_matching(made.rule("in_app"), criteria, as_of, None, 100)
    )
    return {member.person_id for member in found}


async def test_everyone_is_everyone_of_the_brand(scene: Scene) -> None:
    await put(scene, "ann")
    await put(scene, "bob")
    await put(scene, "ann", brand_id="other")
    await put(scene, "stranger", brand_id="other")
    assert await matching(scene, EVERYONE) == {"ann", "bob"}


async def test_whoever_came_after_the_audience_was_fixed_is_not_in_it(scene: Scene) -> None:
    await put(scene, "early", created_at=NOW - SECOND)
    await put(scene, "at the start", created_at=NOW)
    await put(scene, "late", created_at=NOW + SECOND / 1_000_000)
    assert await matching(scene, EVERYONE) == {"early", "at the start"}
    assert await matching(scene, EVERYONE, NOW + SECOND) == {"early", "at the start", "late"}


async def test_relative_dates_count_from_when_the_audience_was_fixed(scene: Scene) -> None:
    await put(scene, "ann", attributes={"seen_at": (NOW - 60 * SECOND).isoformat()})
    within_a_minute = parse_criteria(
        {"within_last": [{"var": "seen_at"}, 1, "minutes"]}, "criteria"
    )
    assert await matching(scene, within_a_minute, NOW) == {"ann"}
    assert await matching(scene, within_a_minute, NOW + SECOND) == set()


async def test_a_key_with_dots_and_quotes_is_one_step(scene: Scene) -> None:
    await put(scene, "ann", attributes={"q\"u.o'te": "x"})
    assert await matching(scene, Equal(Attribute(("q\"u.o'te",)), Constant("x"))) == {"ann"}
