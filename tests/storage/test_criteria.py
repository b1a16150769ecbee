from __future__ import annotations

import pytest

from server.domain.criteria import Criteria, Equals, Everyone
from tests.storage import made
from tests.storage.made import BRAND
from tests.storage.scene import Scene

PEOPLE: dict[str, dict[str, object]] = {
    "array": {"a": [1], "n": ["x"]},
    "big": {"a": 10**20},
    "empty": {},
    "false": {"a": False},
    "float": {"a": 1.5},
    "nested": {"a": {"b": {"c": "deep"}}},
    "null": {"a": None},
    "object": {"a": {}},
    "one": {"a": 1},
    "one_float": {"a": 1.0},
    "quoted": {"q\"u.o'te": "x", "back\\slash": "x", "ünï": "x", "a b": "x", "$[0]": "x", "tab\t": "x"},
    "string": {"a": "1"},
    "text": {"a": 'it\'s "quoted" \\ ü %'},
    "tiny": {"a": 0.1},
    "true": {"a": True},
}
NAN = float("nan")
WITHOUT_A = {"empty", "null", "quoted"}


async def matching(scene: Scene, criteria: Criteria) -> set[str]:
    found = await scene.storage.read(lambda tx: tx.people.list_matching(BRAND, criteria, "in_app", None, 100))
    return {member.person_id for member in found}


@pytest.fixture
async def crowd(scene: Scene) -> Scene:
    for person_id, attributes in PEOPLE.items():
        person = made.person(person_id, attributes=attributes)
        await scene.storage.write(lambda tx, person=person: tx.people.put(person))  # type: ignore[misc]
        stranger = made.person(person_id, brand_id="other", attributes={"a": 1})
        await scene.storage.write(lambda tx, stranger=stranger: tx.people.put(stranger))  # type: ignore[misc]
    return scene


CASES: list[tuple[str, str | float | None, set[str]]] = [
    ("a", 1, {"one", "one_float"}),
    ("a", 1.0, {"one", "one_float"}),
    ("a", True, {"true"}),
    ("a", False, {"false"}),
    ("a", 0, set()),
    ("a", "1", {"string"}),
    ("a", "true", set()),
    ("a", "", set()),
    ("a", "[1]", set()),
    ("a", "{}", set()),
    ("a", 1.5, {"float"}),
    ("a", 0.1, {"tiny"}),
    ("a", 10**20, {"big"}),
    ("a", 1e20, {"big"}),
    ("a", 'it\'s "quoted" \\ ü %', {"text"}),
    ("a", None, WITHOUT_A),
    ("a", "\0", set()),
    ("a", float("inf"), set()),
    ("a", NAN, set()),
    ("b", None, set(PEOPLE)),
    ("b", 1, set()),
    ("a.b.c", "deep", {"nested"}),
    ("a.b.c", None, set(PEOPLE) - {"nested"}),
    ("a.b", "deep", set()),
    ("a.0", 1, set()),
    ("n.0", "x", set()),
    ('q"u', "x", set()),
    ("back\\slash", "x", {"quoted"}),
    ("ünï", "x", {"quoted"}),
    ("a b", "x", {"quoted"}),
    ("$[0]", "x", {"quoted"}),
    ("tab\t", "x", {"quoted"}),
    ("n\0l", None, set(PEOPLE)),
    ("n\0l", "x", set()),
    ("A", 1, set()),
    ("", None, set(PEOPLE)),
]


async def test_an_attribute_equals_a_value_of_its_own_type_only(crowd: Scene) -> None:
    found = [(path, value, await matching(crowd, Equals(tuple(path.split(".")), value))) for path, value, _ in CASES]
    assert found == CASES


async def test_a_key_with_dots_and_quotes_is_one_step(crowd: Scene) -> None:
    assert await matching(crowd, Equals(("q\"u.o'te",), "x")) == {"quoted"}


async def test_everyone_is_everyone_of_the_brand(crowd: Scene) -> None:
    assert await matching(crowd, Everyone()) == set(PEOPLE)
