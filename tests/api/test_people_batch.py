"""Putting people, one by one and in batches, over gRPC and REST on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.commands.people.put import PreparedPeople, prepare_people, put_people
from server.domain.access import Caller as By
from server.domain.access import Principal
from server.domain.clock import SystemClock
from server.domain.contacts.person import NewPerson
from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import ok

PUT = "messaging.PersonService/PutPerson"
BATCH = "messaging.PersonService/BatchPutPeople"
GET = "messaging.PersonService/GetPerson"

ANN = {
    "person_id": "ann",
    "attributes": {"plan": "pro", "visits": 3, "tags": ["a", None], "address": {"city": "Évora"}},
    "email": "Ann@Example.COM",
    "phone": "+1 (202) 555-0100",
    "push_tokens": ["one", "two"],
    "locale": "pt-BR",
    "time_zone": "Europe/Lisbon",
}
KEPT = ANN | {"email": "ann@example.com", "phone": "+12025550100"}
BARE: dict[str, Any] = {
    "attributes": {},
    "email": None,
    "phone": None,
    "push_tokens": [],
    "locale": None,
    "time_zone": None,
}


async def person(api: Caller, brand: str, person_id: str) -> dict[str, Any]:
    return await ok(api, GET, {"brand_id": brand, "person_id": person_id})


def without_instants(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("created_at", "updated_at")}


async def test_a_person_is_kept_with_normal_addresses(idle_api: Caller, brand: str) -> None:
    body = await ok(idle_api, PUT, {"brand_id": brand, **ANN})
    assert without_instants(body) == {"brand_id": brand, **KEPT}
    assert await person(idle_api, brand, "ann") == body


async def test_a_batch_puts_each_person_as_a_put_does(idle_api: Caller, brand: str) -> None:
    answer = await idle_api.call(BATCH, {"brand_id": brand, "people": [ANN, {"person_id": "bob"}]})
    assert (answer.status, answer.body) == (200, {"people_count": 2})
    assert without_instants(await person(idle_api, brand, "ann")) == {"brand_id": brand, **KEPT}
    assert without_instants(await person(idle_api, brand, "bob")) == {
        "brand_id": brand,
        "person_id": "bob",
        **BARE,
    }


async def test_a_batch_replaces_all_but_the_moment_of_creation(
    idle_api: Caller, brand: str
) -> None:
    before = await ok(idle_api, PUT, {"brand_id": brand, **ANN})
    await ok(
        idle_api, BATCH, {"brand_id": brand, "people": [{"person_id": "new"}, {"person_id": "ann"}]}
    )
    after = await person(idle_api, brand, "ann")
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"]
    assert without_instants(after) == {"brand_id": brand, "person_id": "ann", **BARE}


async def test_a_batch_with_one_bad_person_puts_nobody_and_names_each_bad_field(
    idle_api: Caller, brand: str
) -> None:
    people = [
        {"person_id": "ann"},
        {"person_id": "bob", "email": "bob at example.com", "phone": "555 0100"},
        {"person_id": "ann"},
        {"person_id": " ", "locale": "klingon!", "time_zone": "Mars/Olympus"},
    ]
    answer = await idle_api.call(BATCH, {"brand_id": brand, "people": people})
    assert (answer.status, answer.error) == (400, "validation_failed")
    assert answer.fields == {
        "people[1].email", "people[1].phone", "people[2].person_id",
        "people[3].person_id", "people[3].locale", "people[3].time_zone",
    }  # fmt: skip
    assert "bob at" not in str(answer.body)
    assert (await idle_api.call(GET, {"brand_id": brand, "person_id": "ann"})).status == 404


async def test_after_twenty_violations_the_rest_is_not_looked_at_and_the_answer_says_so(
    idle_api: Caller, brand: str
) -> None:
    people = [{"person_id": f"p{index}", "email": "bad"} for index in range(25)]
    answer = await idle_api.call(BATCH, {"brand_id": brand, "people": people})
    assert answer.fields == {"people", *(f"people[{index}].email" for index in range(20))}
    told = [
        entry["message"] for entry in answer.body["details"]["fields"] if entry["field"] == "people"
    ]
    assert "people[19]" in told[0]


def said(opted_in: bool, **more: str) -> dict[str, Any]:
    about = {"channel": "sms", "category": "news", "source": "import"}
    return {**about, **more, "opted_in": opted_in}


async def test_what_people_said_is_recorded_with_them_and_a_no_from_elsewhere_stays(
    idle_api: Caller, brand: str
) -> None:
    async def put(*consents: dict[str, Any]) -> dict[tuple[str, str], tuple[bool, str]]:
        people = [{"person_id": " ann ", "consents": [*consents]}, {"person_id": "bob"}]
        await ok(idle_api, BATCH, {"brand_id": brand, "people": people})
        about = {"brand_id": brand, "person_id": "ann"}
        rows = (await ok(idle_api, "comms.ConsentService/ListConsents", about))["data"]
        return {(row["channel"], row["category"]): (row["opted_in"], row["source"]) for row in rows}

    first = await put(said(True), said(False, channel="push"), said(True, category="offers"))
    assert first == {
        ("sms", "news"): (True, "import"),
        ("push", "news"): (False, "import"),
        ("sms", "offers"): (True, "import"),
    }
    assert await put() == first, "what is left out stays"
    about = {"brand_id": brand, "person_id": "ann", "channel": "sms", "category": "news"}
    await ok(idle_api, "comms.ConsentService/RevokeConsent", about)
    assert await put(said(True), said(True, channel="push"), said(False, category="offers")) == {
        ("sms", "news"): (False, "unsubscribe"),
        ("push", "news"): (True, "import"),
        ("sms", "offers"): (False, "import"),
    }


async def test_consents_that_cannot_be_are_named_and_nobody_is_put(
    idle_api: Caller, brand: str
) -> None:
    ann = [said(True), said(False), said(True, category=" ")]
    people = [
        {"person_id": "ann", "consents": ann},
        {"person_id": "bob", "consents": [{"channel": "push"}]},
        {"person_id": "eve", "consents": [said(True, category=str(n)) for n in range(101)]},
    ]
    answer = await idle_api.call(BATCH, {"brand_id": brand, "people": people})
    assert (answer.status, answer.fields) == (
        400,
        {
            "people[0].consents[1].category", "people[0].consents[2].category",
            "people[1].consents[0].category", "people[1].consents[0].opted_in",
            "people[1].consents[0].source", "people[2].consents",
        },
    )  # fmt: skip
    assert (await idle_api.call(GET, {"brand_id": brand, "person_id": "ann"})).status == 404


@pytest.mark.parametrize("count", [0, 10_001])
async def test_a_batch_has_one_to_ten_thousand_people(
    idle_api: Caller, brand: str, count: int
) -> None:
    answer = await idle_api.call(
        BATCH, {"brand_id": brand, "people": [{"person_id": f"p{index}"} for index in range(count)]}
    )
    assert (answer.status, answer.fields) == (400, {"people"})


async def test_ten_thousand_people_go_in_and_again(idle_api: Caller, brand: str) -> None:
    people = [
        {
            "person_id": f"p{index}",
            "email": f"p{index}@example.com",
            "phone": f"+1202555{index % 10_000:04}",
        }
        for index in range(10_000)
    ]
    for _ in range(2):
        assert await ok(idle_api, BATCH, {"brand_id": brand, "people": people}) == {
            "people_count": 10_000
        }
    assert (await person(idle_api, brand, "p9999"))["phone"] == "+12025559999"


async def test_the_same_batch_under_one_key_is_answered_once_and_another_is_refused(
    idle_api: Caller, brand: str
) -> None:
    batch = {"brand_id": brand, "people": [ANN]}
    first = await idle_api.call(BATCH, batch, key="batch-1")
    await ok(idle_api, PUT, {"brand_id": brand, "person_id": "ann", "locale": "fr"})
    assert (await idle_api.call(BATCH, batch, key="batch-1")).body == first.body
    assert (await person(idle_api, brand, "ann"))["locale"] == "fr", "the replay put nobody"
    other = await idle_api.call(
        BATCH, {"brand_id": brand, "people": [{"person_id": "bob"}]}, key="batch-1"
    )
    assert (other.status, other.error) == (400, "idempotency_key_reused")


async def test_another_brands_people_cannot_be_put(idle_api: Caller, brand: str) -> None:
    answer = await idle_api.call(BATCH, {"brand_id": "somebody-elses", "people": [ANN]})
    assert (answer.status, answer.error) == (404, "brand_not_found")


async def test_people_of_one_id_in_two_brands_are_two(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    other = f"{brand}-other"
    token = idle.token(brand, other)
    for each, locale in ((brand, "pt"), (other, "de")):
        batch = {"brand_id": each, "people": [{"person_id": "ann", "locale": locale}]}
        assert (await idle_api.call(BATCH, batch, token=token)).status == 200
    for each, locale in ((brand, "pt"), (other, "de")):
        assert (await idle_api.call(GET, {"brand_id": each, "person_id": "ann"}, token=token)).body[
            "locale"
        ] == locale


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ann"),
        ("phone", "12345"),
        ("locale", "not a tag"),
        ("time_zone", "Lisbon"),
        ("push_tokens", ["t"] * 21),
    ],
)
async def test_a_bad_field_of_a_person_is_named(
    idle_api: Caller, brand: str, field: str, value: object
) -> None:
    answer = await idle_api.call(PUT, {"brand_id": brand, "person_id": "ann", field: value})
    assert (answer.status, answer.fields) == (400, {field})


async def test_batches_with_the_same_people_in_another_order_do_not_stop_each_other(
    idle: Running, brand: str
) -> None:
    """Deadlocks are the danger on PostgreSQL: rows are always locked in one order."""
    storage = idle.service.storage
    assert storage is not None
    by = By(Principal("tester", frozenset({brand}), frozenset()), SystemClock().now())
    people = [NewPerson(person_id=f"p{index}") for index in range(2000)]
    batches = [prepare_people(brand, people), prepare_people(brand, people[::-1])]

    async def put(batch: PreparedPeople) -> int:
        return await storage.write(lambda tx: put_people(tx, by, batch))

    assert await asyncio.gather(*map(put, batches * 3)) == [2000] * 6
