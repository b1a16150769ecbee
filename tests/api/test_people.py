"""People: what is written is what is read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_campaigns import VARIABLES, same_json
from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import ok, put_person

PEOPLE = "messaging.PersonService"


@pytest.mark.parametrize("person_id", ["ann", "Ann Ünï/ço?de & more%20+#", "a" * 128])
async def test_person_reads_back_as_written(idle_api: Caller, brand: str, person_id: str) -> None:
    request = {
        "brand_id": brand,
        "person_id": person_id,
        "attributes": VARIABLES,
        "email": "zoë@xn--exmple-cua.com",
        "phone": "+351210000001",
        "push_tokens": ["device-2", "device-1"],
        "locale": "pt-BR",
        "time_zone": "Europe/Lisbon",
    }
    put = await ok(idle_api, f"{PEOPLE}/PutPerson", request)
    assert same_json({key: put[key] for key in request}, request)
    assert put["created_at"] == put["updated_at"]
    assert same_json(
        await ok(idle_api, f"{PEOPLE}/GetPerson", {"brand_id": brand, "person_id": person_id}), put
    )


BLANK = {"email": "", "phone": "", "attributes": {}, "push_tokens": []}


@pytest.mark.parametrize(
    "blank",
    [{}, BLANK, dict.fromkeys([*BLANK, "locale", "time_zone"])],
    ids=["absent", "empty", "null"],
)
async def test_what_is_not_known_of_a_person_is_null(
    idle_api: Caller, brand: str, blank: dict[str, Any]
) -> None:
    put = await ok(
        idle_api, f"{PEOPLE}/PutPerson", {"brand_id": brand, "person_id": "ann", **blank}
    )
    assert {key for key, value in put.items() if value is None} == {
        "email",
        "phone",
        "locale",
        "time_zone",
    }
    assert (put["attributes"], put["push_tokens"]) == ({}, [])


async def test_put_replaces_all_that_is_known(idle_api: Caller, brand: str) -> None:
    await put_person(
        idle_api,
        brand,
        "ann",
        attributes={"plan": "pro"},
        locale="pt-BR",
        time_zone="Europe/Lisbon",
    )
    first = await ok(idle_api, f"{PEOPLE}/GetPerson", {"person_id": "ann"})
    again = await ok(
        idle_api,
        f"{PEOPLE}/PutPerson",
        {"brand_id": brand, "person_id": "ann", "phone": "+12025550199"},
    )
    assert again == {
        "brand_id": brand,
        "person_id": "ann",
        "attributes": {},
        "email": None,
        "phone": "+12025550199",
        "push_tokens": [],
        "locale": None,
        "time_zone": None,
        "created_at": first["created_at"],
        "updated_at": again["updated_at"],
    }
    assert again["updated_at"] > first["updated_at"]
    assert await ok(idle_api, f"{PEOPLE}/GetPerson", {"person_id": "ann"}) == again


async def test_deleted_person_is_gone_until_put_again(idle_api: Caller, brand: str) -> None:
    await put_person(idle_api, brand, "ann")
    assert (
        await ok(idle_api, f"{PEOPLE}/DeletePerson", {"person_id": "ann", "brand_id": brand}) == {}
    )
    for operation in ("GetPerson", "DeletePerson"):
        answer = await idle_api.call(f"{PEOPLE}/{operation}", {"person_id": "ann"})
        assert (answer.status, answer.error) == (404, "person_not_found")
    await put_person(idle_api, brand, "ann")
    assert (await ok(idle_api, f"{PEOPLE}/GetPerson", {"person_id": "ann"}))["person_id"] == "ann"


async def test_person_of_another_brand_is_another_person(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    other, both = f"other-{brand}", idle.token(brand, f"other-{brand}")
    for each in (brand, other):
        request = {"brand_id": each, "person_id": "ann", "email": f"ann@{each}.example"}
        assert (await idle_api.call(f"{PEOPLE}/PutPerson", request, token=both)).status == 200
    assert (
        await idle_api.call(
            f"{PEOPLE}/DeletePerson", {"brand_id": other, "person_id": "ann"}, token=both
        )
    ).status == 200
    assert (await ok(idle_api, f"{PEOPLE}/GetPerson", {"person_id": "ann"}))[
        "email"
    ] == f"ann@{brand}.example"


@pytest.mark.parametrize("operation", ["GetPerson", "DeletePerson"])
async def test_token_of_two_brands_must_say_whose_person(
    idle: Running, idle_api: Caller, brand: str, operation: str
) -> None:
    await put_person(idle_api, brand, "ann")
    answer = await idle_api.call(
        f"{PEOPLE}/{operation}", {"person_id": "ann"}, token=idle.token(brand, f"other-{brand}")
    )
    assert (answer.status, answer.fields) == (400, {"brand_id"})
