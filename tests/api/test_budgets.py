"""Budgets of brands: what is over them is refused, whole, in that brand alone, and told how long to
wait."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from carillon.messaging.v1 import segment_service_pb2, segment_service_pb2_grpc
from server.api.interceptors.budgets import BudgetCheck
from tests.support.api.callers import Caller, caller
from tests.support.api.running import Running
from tests.support.api.scenes import ok

BRANDS = "ops.BrandService"
LIST = "messaging.SegmentService/ListSegments"
PEOPLE = "messaging.PersonService/BatchPutPeople"


class Standing:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def clock(idle: Running, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Standing]:
    """The clock that the budgets of the service go by."""
    standing, check = Standing(), _check_of(idle)
    monkeypatch.setattr(check, "_steady", standing)
    yield standing
    check._known.clear()


def _check_of(running: Running) -> BudgetCheck:
    server: Any = running.service._server
    return server.budgets  # type: ignore[no-any-return]


def people(brand: str, count: int) -> dict[str, Any]:
    return {"brand_id": brand, "people": [{"person_id": f"P-{each}"} for each in range(count)]}


async def give(api: Caller, brand: str, **budgets: float) -> None:
    """Sets the budgets of the brand before anybody has asked for them."""
    await ok(api, f"{BRANDS}/SetBrandPolicy", {"brand_id": brand, "budgets": budgets})


async def test_requests_over_the_budget_are_refused_until_there_is_more(
    idle: Running, idle_api: Caller, brand: str, clock: Standing
) -> None:
    await give(idle_api, brand, requests=3)
    _check_of(idle)._known.clear()
    other = caller("grpc", idle, f"{brand}-other")
    request = {"brand_id": brand}
    answers = [await idle_api.call(LIST, request) for _ in range(5)]
    assert [each.status for each in answers] == [200, 200, 200, 429, 429]
    refused = answers[-1]
    assert (refused.error, refused.body["details"]) == ("budget_spent", {"budget": "requests"})
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit-policy"] == '"requests";q=3;w=1'
    assert refused.headers["ratelimit"] == '"requests";r=0;t=1'
    await ok(other, LIST, {"brand_id": f"{brand}-other"})
    clock.now += 1
    await ok(idle_api, LIST, request)


async def test_a_list_over_the_budget_of_rows_is_refused_whole(
    idle: Running, idle_api: Caller, brand: str, clock: Standing
) -> None:
    await give(idle_api, brand, rows=1)
    _check_of(idle)._known.clear()
    await ok(idle_api, PEOPLE, people(brand, 8))
    answer = await idle_api.call(PEOPLE, people(brand, 9))
    assert (answer.status, answer.body["details"]) == (429, {"budget": "rows"})
    assert answer.headers["retry-after"] == "7"
    missing = await idle_api.call(
        "messaging.PersonService/GetPerson", {"brand_id": brand, "person_id": "P-8"}
    )
    assert missing.status == 404
    clock.now += 7
    await ok(idle_api, PEOPLE, people(brand, 9))


async def test_a_change_of_the_budgets_counts_within_half_a_minute(
    idle_api: Caller, brand: str, clock: Standing
) -> None:
    await ok(idle_api, LIST, {"brand_id": brand})
    await give(idle_api, brand, requests=1)
    await ok(idle_api, LIST, {"brand_id": brand})
    clock.now += 30
    answers = [await idle_api.call(LIST, {"brand_id": brand}) for _ in range(2)]
    assert [each.status for each in answers] == [200, 429]


async def test_over_grpc_the_refusal_says_when_to_come_again_and_which_quota(
    idle: Running, idle_api: Caller, brand: str, clock: Standing
) -> None:
    await give(idle_api, brand, requests=1)
    _check_of(idle)._known.clear()
    stub = segment_service_pb2_grpc.SegmentServiceStub(idle.channel)
    request = segment_service_pb2.ListSegmentsRequest(brand_id=brand)
    metadata = (("authorization", f"Bearer {idle.token(brand)}"),)
    await stub.ListSegments(request, metadata=metadata)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ListSegments(request, metadata=metadata)
    trailing = dict(refused.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    retry, quota = error_details_pb2.RetryInfo(), error_details_pb2.QuotaFailure()
    assert [detail.Unpack(retry) or detail.Unpack(quota) for detail in status.details] == [
        False, True, True
    ]  # fmt: skip
    assert (retry.retry_delay.seconds, quota.violations[0].subject) == (1, "brand:requests")
