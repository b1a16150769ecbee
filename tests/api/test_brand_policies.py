"""Policies of brands: whole, checked, audited, and nobody else's."""

from __future__ import annotations

import math
from typing import Any

import pytest

from carillon.ops.v1 import brand_service_pb2
from tests.support.api.callers import Caller, GrpcCaller
from tests.support.api.operating import audited
from tests.support.api.running import Running
from tests.support.api.scenes import ok
from tests.support.api.untouched import BRANDS

POLICY: dict[str, Any] = {
    "unknown_policy": "resend",
    "misfire_policy": "expire_after",
    "misfire_seconds": 600,
    "rate_limits": [
        {"channel": "email", "per_second": 2.5, "burst": 10},
        {"channel": "sms", "per_second": 0.01, "burst": 1},
    ],
    "consent_defaults": [
        {"channel": "email", "meaning": "opt_in"},
        {"channel": "sms", "meaning": "opt_out"},
    ],
    "transactional_categories": ["receipts", "Password resets"],
}
SILENCE = [
    {"channel": "email", "meaning": "opt_out"},
    {"channel": "sms", "meaning": "opt_in"},
    {"channel": "push", "meaning": "opt_out"},
    {"channel": "in_app", "meaning": "opt_out"},
]
"""What it means by default that somebody said nothing."""


NO_BUDGETS = {"requests": 0.0, "rows": 0.0, "bytes": 0.0}


async def set_policy(api: Caller, brand: str, **policy: Any) -> dict[str, Any]:
    return await ok(api, f"{BRANDS}/SetBrandPolicy", {"brand_id": brand, **policy})


async def get_policy(api: Caller, brand: str) -> dict[str, Any]:
    return await ok(api, f"{BRANDS}/GetBrandPolicy", {"brand_id": brand})


async def test_brand_without_a_policy_has_the_defaults(idle_api: Caller, brand: str) -> None:
    assert await get_policy(idle_api, brand) == {
        "brand_id": brand,
        "unknown_policy": "park",
        "misfire_policy": "send_now",
        "misfire_seconds": 0,
        "rate_limits": [],
        "consent_defaults": SILENCE,
        "transactional_categories": [],
        "budgets": NO_BUDGETS,
        "updated_at": None,
        "updated_by": None,
    }


async def test_policy_reads_back_as_it_was_set(idle_api: Caller, brand: str) -> None:
    was_set = await set_policy(idle_api, brand, **POLICY)
    assert {**was_set, "updated_at": None} == {
        "brand_id": brand,
        **POLICY,
        "consent_defaults": POLICY["consent_defaults"] + SILENCE[2:],
        "budgets": NO_BUDGETS,
        "updated_at": None,
        "updated_by": "tester",
    }
    assert was_set["updated_at"] is not None
    assert await get_policy(idle_api, brand) == was_set
    assert await audited(idle_api, brand) == [
        (
            "brand_policy_set",
            {
                "unknown_policy": "resend",
                "misfire_policy": "expire_after",
                "misfire_seconds": 600,
                "rate_limits": {
                    "email": {"per_second": 2.5, "burst": 10},
                    "sms": {"per_second": 0.01, "burst": 1},
                },
                "consent_defaults": {"email": "opt_in", "sms": "opt_out"},
                "transactional_categories": ["receipts", "Password resets"],
                "budgets": {},
            },
        )
    ]


async def test_what_is_absent_is_set_to_its_default(idle_api: Caller, brand: str) -> None:
    await set_policy(idle_api, brand, **POLICY)
    defaults = await set_policy(idle_api, brand)
    assert (
        defaults["unknown_policy"],
        defaults["misfire_policy"],
        defaults["misfire_seconds"],
    ) == ("park", "send_now", 0)
    assert (defaults["rate_limits"], defaults["updated_by"]) == ([], "tester")
    assert (defaults["consent_defaults"], defaults["transactional_categories"]) == (SILENCE, [])


async def test_budgets_are_operators_to_set_and_stay_when_others_set_the_rest(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    budgets = {"requests": 100.0, "rows": 2.5}
    of_the_brand = idle.token(brand, scopes=["manage:brands"])
    answer = await idle_api.call(
        f"{BRANDS}/SetBrandPolicy", {"brand_id": brand, "budgets": budgets}, token=of_the_brand
    )
    assert (answer.status, answer.body["details"]) == (403, {"scope": "admin:brands"})
    policy = await set_policy(idle_api, brand, budgets=budgets)
    assert policy["budgets"] == {**NO_BUDGETS, **budgets}
    answer = await idle_api.call(
        f"{BRANDS}/SetBrandPolicy", {"brand_id": brand}, token=of_the_brand
    )
    assert answer.body["budgets"] == policy["budgets"]
    assert (await set_policy(idle_api, brand, budgets={}))["budgets"] == NO_BUDGETS


async def test_burst_is_one_seconds_worth_unless_given(idle_api: Caller, brand: str) -> None:
    for per_second, burst in [(0.01, 1), (1, 1), (2.5, 3), (100_000, 100_000)]:
        rate = {"channel": "push", "per_second": per_second}
        policy = await set_policy(idle_api, brand, rate_limits=[rate])
        assert policy["rate_limits"] == [{**rate, "burst": burst}]


NO_POLICIES: list[tuple[dict[str, Any], set[str]]] = [
    ({"misfire_policy": "expire_after"}, {"misfire_seconds"}),
    ({"misfire_policy": "expire_after", "misfire_seconds": 31_536_001}, {"misfire_seconds"}),
    ({"misfire_policy": "expire_after", "misfire_seconds": -1}, {"misfire_seconds"}),
    ({"misfire_policy": "skip", "misfire_seconds": 1}, {"misfire_seconds"}),
    ({"misfire_seconds": 1}, {"misfire_seconds"}),
    ({"rate_limits": [{"channel": "in_app", "per_second": 1}]}, {"rate_limits[0].channel"}),
    ({"rate_limits": [{"per_second": 1}]}, {"rate_limits[0].channel"}),
    ({"rate_limits": [{"channel": "sms", "per_second": 1}] * 2}, {"rate_limits[1].channel"}),
    ({"rate_limits": [{"channel": "sms"}]}, {"rate_limits[0].per_second"}),
    ({"rate_limits": [{"channel": "sms", "per_second": 0.009}]}, {"rate_limits[0].per_second"}),
    ({"rate_limits": [{"channel": "sms", "per_second": 100_000.5}]},
        {"rate_limits[0].per_second"}),
    ({"rate_limits": [{"channel": "sms", "per_second": -5}]}, {"rate_limits[0].per_second"}),
    ({"rate_limits": [{"channel": "sms", "per_second": 1, "burst": -1}]},
        {"rate_limits[0].burst"}),
    ({"rate_limits": [{"channel": "sms", "per_second": 1, "burst": 100_001}]},
        {"rate_limits[0].burst"}),
    ({"consent_defaults": [{"channel": "sms"}]}, {"consent_defaults[0].meaning"}),
    ({"consent_defaults": [{"channel": "sms", "meaning": "opt_in"}] * 2},
        {"consent_defaults[1].channel"}),
    ({"transactional_categories": ["a"] * 2}, {"transactional_categories"}),
    ({"transactional_categories": [" "]}, {"transactional_categories[0]"}),
    ({"transactional_categories": ["a" * 65]}, {"transactional_categories[0]"}),
    ({"transactional_categories": [f"c{number}" for number in range(51)]},
        {"transactional_categories"}),
    ({"rate_limits": [{"channel": "in_app", "per_second": 0}], "misfire_seconds": 5},
     {"misfire_seconds", "rate_limits[0].channel", "rate_limits[0].per_second"}),
]  # fmt: skip


async def test_policy_that_cannot_be(idle_api: Caller, brand: str) -> None:
    before = await set_policy(idle_api, brand, **POLICY)
    for bad, fields in NO_POLICIES:
        answer = await idle_api.call(f"{BRANDS}/SetBrandPolicy", {"brand_id": brand, **bad})
        expected = (422, "validation_failed", fields)
        assert (answer.status, answer.error, answer.fields) == expected, bad
    assert await get_policy(idle_api, brand) == before


async def test_misfire_allows_from_a_second_to_a_year(idle_api: Caller, brand: str) -> None:
    for seconds in (1, 31_536_000):
        policy = await set_policy(
            idle_api, brand, misfire_policy="expire_after", misfire_seconds=seconds
        )
        assert policy["misfire_seconds"] == seconds


@pytest.mark.parametrize("rate", [math.nan, math.inf, -math.inf])
async def test_rate_that_is_no_number(idle: Running, brand: str, rate: float) -> None:
    request = brand_service_pb2.SetBrandPolicyRequest(brand_id=brand)
    request.rate_limits.add(channel="email", per_second=rate)
    answer = await GrpcCaller(idle.channel, idle.token(brand)).call_message(
        f"{BRANDS}/SetBrandPolicy", request
    )
    assert answer.fields == {"rate_limits[0].per_second"}


@pytest.mark.parametrize(("field", "number"), [("unknown_policy", 9), ("misfire_policy", 9)])
async def test_policy_of_a_number_that_is_none(
    idle: Running, brand: str, field: str, number: int
) -> None:
    request = brand_service_pb2.SetBrandPolicyRequest(brand_id=brand)
    setattr(request, field, number)
    answer = await GrpcCaller(idle.channel, idle.token(brand)).call_message(
        f"{BRANDS}/SetBrandPolicy", request
    )
    assert (answer.status, answer.fields) == (422, {field})
