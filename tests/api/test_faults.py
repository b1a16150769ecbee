"""A database that fails or is gone: told as `unavailable`, nothing half done, and well again when
it is back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server.config import Settings
from server.database import migrate_database
from storage.contract.errors import StorageError, StorageUnavailable, TookTooLong, WriteConflict
from tests.support.api.callers import METHODS, POLICIES, caller, full_path
from tests.support.api.faults import WITHOUT_DISPATCHER, FaultyStorage
from tests.support.api.running import Running, running_service
from tests.support.api.scenes import put_segment
from tests.support.api.untouched import PUSH, SEGMENTS, Untouched, untouched_brand
from tests.support.postgres import running_postgres

UNAVAILABLE = {"error": "unavailable", "message": "the service cannot answer now; try again"}
STORED = [
    name
    for name, method in METHODS.items()
    if not POLICIES[full_path(method)].public and name != f"{PUSH}/GetPushKey"
]
"""The methods that ask the database."""


def segment(brand: str) -> dict[str, Any]:
    """A good request."""
    return {"brand_id": brand, "name": "gold", "predicate": {}}


@pytest.fixture
async def brand_at_risk(transport: str, faulty: tuple[Running, FaultyStorage]) -> Untouched:
    return await untouched_brand(faulty[0], transport)


async def test_every_method_says_that_storage_cannot_answer(
    faulty: tuple[Running, FaultyStorage], brand_at_risk: Untouched, transport: str
) -> None:
    faults = [StorageUnavailable("the disk is full"), WriteConflict("a row with this key exists")]
    before = await brand_at_risk.everything()
    # Each method has one of them over each transport.
    for number, method in enumerate(STORED, start=transport == "rest"):
        with faulty[1].failing_with(faults[number % 2]):
            answer = await brand_at_risk.api.call(method, brand_at_risk.good(method))
            assert (answer.status, answer.body) == (503, UNAVAILABLE), method
    assert await brand_at_risk.everything() == before


async def test_every_method_answers_a_fault_with_its_id_alone(
    faulty: tuple[Running, FaultyStorage],
    brand_at_risk: Untouched,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = await brand_at_risk.everything()
    fault = StorageError("the database refused a statement (SQLITE_CONSTRAINT)")
    with faulty[1].failing_with(fault):
        for method in STORED:
            answer = await brand_at_risk.api.call(method, brand_at_risk.good(method))
            assert (answer.status, answer.error) == (500, "internal"), method
            assert answer.body["details"].keys() == {"error_id"}
            assert answer.body["details"]["error_id"] in caplog.text
    assert await brand_at_risk.everything() == before


async def test_what_the_database_takes_too_long_for_is_refused_as_late(
    faulty: tuple[Running, FaultyStorage], brand_at_risk: Untouched
) -> None:
    with faulty[1].failing_with(TookTooLong("the statement took too long")):
        for method in (f"{SEGMENTS}/CreateSegment", f"{SEGMENTS}/ListSegments"):
            answer = await brand_at_risk.api.call(method, brand_at_risk.good(method))
            assert (answer.status, answer.error) == (504, "deadline_exceeded")


async def test_a_key_is_free_again_after_a_fault(
    faulty: tuple[Running, FaultyStorage], brand_at_risk: Untouched
) -> None:
    request = segment(brand_at_risk.brand)
    with faulty[1].failing_with(StorageUnavailable("gone")):
        answer = await brand_at_risk.api.call(f"{SEGMENTS}/CreateSegment", request, key="k1")
    assert answer.status == 503
    answer = await brand_at_risk.api.call(f"{SEGMENTS}/CreateSegment", request, key="k1")
    again = await brand_at_risk.api.call(f"{SEGMENTS}/CreateSegment", request, key="k1")
    assert (answer.status, again.body) == (201, answer.body)


async def test_a_postgres_that_stops_and_comes_back(tmp_path: Path, brand: str) -> None:
    with running_postgres() as server:
        url = server.create_database()
        await migrate_database(Settings(database_url=url))
        async with running_service(tmp_path, url, parts=WITHOUT_DISPATCHER) as running:
            clients = [caller(transport, running, brand) for transport in ("grpc", "rest")]
            segment_id = await put_segment(clients[0], brand)
            server.stop()
            for api, method in zip(
                clients, (f"{SEGMENTS}/GetSegment", f"{SEGMENTS}/CreateSegment"), strict=True
            ):
                answer = await api.call(
                    method, {"id": segment_id} if "Get" in method else segment(brand)
                )
                assert (answer.status, answer.body) == (503, UNAVAILABLE)
            readiness = await clients[1].call("ops.ProbeService/CheckReadiness", {})
            assert (readiness.status, readiness.body["message"]) == (503, "not ready: database")
            assert (await clients[1].call("ops.ProbeService/CheckLiveness", {})).status == 200
            server.restart()
            for api in clients:
                assert (await api.call(f"{SEGMENTS}/GetSegment", {"id": segment_id})).status == 200
                assert (await api.call(f"{SEGMENTS}/CreateSegment", segment(brand))).status == 201
            assert (
                len(
                    (await clients[0].call(f"{SEGMENTS}/ListSegments", {"brand_id": brand})).body[
                        "items"
                    ]
                )
                == 3
            )
