"""Brands: created by operators, known to every call, refused where nobody created them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from server.api.policies import all_scopes, default_scopes
from tests.api.test_access import GUARDED
from tests.support.api.callers import Caller, GrpcCaller, caller
from tests.support.api.operating import audited
from tests.support.api.running import Running
from tests.support.api.scenes import ok
from tests.support.api.untouched import BRANDS, SEGMENTS, Untouched

OPERATORS = ["admin:brands"]


def mint(running: Running, *brands: str, scopes: list[str] | None = None) -> str:
    """A token for brands, whether they exist or not."""
    return running.service.keys.tokens.mint(
        "operator", brands, default_scopes() if scopes is None else scopes
    )


@pytest.fixture
def operator(transport: str, idle: Running) -> Caller:
    """A client whose token has no brand and may do with brands what there is."""
    client = caller(transport, idle, "any")
    client.token = mint(idle, scopes=OPERATORS)  # type: ignore[attr-defined]  # both have one
    return client


async def test_a_brand_is_created_read_listed_and_renamed(
    operator: Caller, idle: Running, brand: str
) -> None:
    created = await ok(operator, f"{BRANDS}/CreateBrand", {"id": brand, "name": "Acme & Co"})
    assert (created["id"], created["name"], created["created_by"]) == (
        brand,
        "Acme & Co",
        "operator",
    )
    assert created["created_at"] == created["updated_at"]
    assert await ok(operator, f"{BRANDS}/GetBrand", {"id": brand}) == created
    assert (await ok(operator, f"{BRANDS}/ListBrands", {"prefix": brand}))["brands"] == [created]
    renamed = await ok(operator, f"{BRANDS}/UpdateBrand", {"id": brand, "name": "Acme"})
    assert renamed == created | {"name": "Acme", "updated_at": renamed["updated_at"]}
    assert await ok(operator, f"{BRANDS}/GetBrand", {"id": brand}) == renamed
    reader = GrpcCaller(idle.channel, mint(idle, brand))
    assert await audited(reader, brand) == [
        ("brand_created", {"name": "Acme & Co"}),
        ("brand_updated", {"name": "Acme"}),
    ]


async def test_a_brand_is_created_once(operator: Caller, brand: str) -> None:
    created = await ok(operator, f"{BRANDS}/CreateBrand", {"id": brand, "name": "Acme"})
    again = await operator.call(f"{BRANDS}/CreateBrand", {"id": brand, "name": "Another"})
    assert (again.status, again.error) == (409, "brand_exists")
    assert await ok(operator, f"{BRANDS}/GetBrand", {"id": brand}) == created


async def test_an_id_that_is_no_slug_is_refused_with_everything_else(operator: Caller) -> None:
    for bad in ["", " ", "Acme", "a b", "-a", "a-", "a_b", "a.b", "é", "a\n", "x" * 64]:
        answer = await operator.call(f"{BRANDS}/CreateBrand", {"id": bad, "name": ""})
        assert (answer.status, answer.fields) == (422, {"id", "name"}), bad


async def test_an_id_of_letters_digits_and_hyphens_is_taken(operator: Caller) -> None:
    for good in ["a", "7", "a-b", "x" * 63]:
        answer = await operator.call(f"{BRANDS}/CreateBrand", {"id": good, "name": "x"})
        assert answer.status == 201 or answer.error == "brand_exists", answer


async def test_a_brand_that_is_not_there_is_neither_read_nor_renamed(operator: Caller) -> None:
    for method, request in (
        ("GetBrand", {"id": "nobody"}),
        ("UpdateBrand", {"id": "nobody", "name": "x"}),
    ):
        answer = await operator.call(f"{BRANDS}/{method}", request)
        assert (answer.status, answer.error) == (404, "brand_not_found")


async def test_no_call_is_taken_for_a_brand_that_nobody_created(untouched: Untouched) -> None:
    unknown = f"unknown-{uuid4().hex[:8]}"
    token = untouched.running.service.keys.tokens.mint("t", [unknown], all_scopes())
    both = untouched.running.service.keys.tokens.mint(
        "t", [untouched.brand, unknown], default_scopes()
    )
    for method in GUARDED:
        answer = await untouched.api.call(method, untouched.good(method), token=token)
        assert (answer.status, answer.error, answer.body["details"]) == (
            403,
            "brand_unknown",
            {"brand_id": unknown},
        ), method
    answer = await untouched.api.call(
        f"{SEGMENTS}/ListSegments", {"brand_id": untouched.brand}, token=both
    )
    assert (answer.status, answer.error) == (403, "brand_unknown")


async def test_a_brand_just_created_works_at_once_though_it_was_refused_before(
    operator: Caller, idle: Running, brand: str
) -> None:
    token = mint(idle, brand)
    listing: dict[str, Any] = {"name": f"{SEGMENTS}/ListSegments", "request": {}, "token": token}
    assert (await operator.call(**listing)).status == 403
    await ok(operator, f"{BRANDS}/CreateBrand", {"id": brand, "name": "New"})
    assert (await operator.call(**listing)).status == 200


async def test_a_brand_created_beside_the_service_works_at_once(idle: Running, brand: str) -> None:
    api = GrpcCaller(idle.channel, mint(idle, brand))
    assert (await api.call(f"{SEGMENTS}/ListSegments", {})).status == 403
    idle.token(brand)
    assert (await api.call(f"{SEGMENTS}/ListSegments", {})).status == 200


async def test_a_token_without_a_brand_is_told_so_where_one_is_needed(
    operator: Caller, idle: Running, brand: str
) -> None:
    for request in ({}, {"brand_id": brand}):
        answer = await operator.call(f"{SEGMENTS}/ListSegments", request, token=mint(idle))
        assert (answer.status, answer.error) == (403, "brand_unknown")


async def test_an_ordinary_token_does_nothing_with_brands(
    idle_api: Caller, idle: Running, brand: str
) -> None:
    named = {"id": brand, "name": "x"}
    requests = {
        "CreateBrand": named,
        "GetBrand": {"id": brand},
        "ListBrands": {},
        "UpdateBrand": named,
    }
    for method, request in requests.items():
        answer = await idle_api.call(
            f"{BRANDS}/{method}", request, token=idle.token(brand, scopes=default_scopes())
        )
        assert (answer.status, answer.error) == (403, "scope_missing"), method
