"""A disk with too little room: what adds to it is refused before anything is written, the rest goes
on, and all of it once there is room again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from carillon.messaging.v1 import person_service_pb2, person_service_pb2_grpc
from server.app import Part
from server.config import Settings
from server.database import migrate_database
from storage.contract.errors import StorageFull
from tests.api.conftest import NewDatabase
from tests.support.api.answers import Answer
from tests.support.api.callers import METHODS, POLICIES, caller, full_path
from tests.support.api.faults import WITHOUT_DISPATCHER, FaultyStorage
from tests.support.api.running import Running, running_service
from tests.support.api.scenes import ok, put_person, put_segment
from tests.support.api.untouched import SEGMENTS, untouched_brand

PLENTY = 2**40
MESSAGE = "there is too little room to take anything new; try again later"
READY = "ops.ProbeService/CheckReadiness"
STOPPING = ("Cancel", "Pause", "Unschedule", "Delete", "Revoke", "Unsubscribe")
ADDING = [name for name, method in METHODS.items() if POLICIES[full_path(method)].adds]


class Disk:
    """A disk with as much free as a test says."""

    def __init__(self) -> None:
        self.free = PLENTY

    def __call__(self) -> int:
        return self.free


@pytest.fixture(scope="module")
async def small(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Running, Disk]]:
    """A service without a dispatcher, and its disk."""
    disk, data_dir = Disk(), tmp_path_factory.mktemp("small")
    await migrate_database(Settings(data_dir=data_dir))
    async with running_service(
        data_dir, parts=WITHOUT_DISPATCHER, free_disk=disk, min_free_disk=1000
    ) as running:
        yield running, disk


async def see(running: Running, disk: Disk, free: int) -> None:
    """The service looks at the disk, and so much is free."""
    disk.free = free
    await running.service.disk.run_once()


def is_refusal(answer: Answer) -> bool:
    return (answer.status, answer.body, answer.headers["retry-after"]) == (
        503, {"error": "storage_full", "message": MESSAGE}, "30"
    )  # fmt: skip


def test_what_stops_or_takes_away_is_not_among_what_adds() -> None:
    stopping = [name for name in METHODS if name.partition("/")[2].startswith(STOPPING)]
    assert len(stopping) > 10
    assert not {*stopping, "comms.SuppressionService/CreateSuppression"} & {*ADDING}
    for name in ("comms.MessageService/ScheduleMessage", "messaging.PersonService/BatchPutPeople"):
        assert name in ADDING


async def test_every_method_that_adds_is_refused_and_writes_nothing(
    small: tuple[Running, Disk], transport: str
) -> None:
    running, disk = small
    brand = await untouched_brand(running, transport)
    await see(running, disk, 999)
    before = await brand.everything()
    for method in ADDING:
        answer = await brand.api.call(method, brand.good(method))
        assert is_refusal(answer), (method, answer)
    assert await brand.everything() == before
    await see(running, disk, PLENTY)
    assert (await brand.api.call(f"{SEGMENTS}/CreateSegment", segment(brand.brand))).status == 201


def segment(brand: str) -> dict[str, Any]:
    return {"brand_id": brand, "name": "gold", "predicate": {}}


async def test_reads_and_cancels_go_on_and_readiness_tells(
    small: tuple[Running, Disk], transport: str, brand: str
) -> None:
    running, disk = small
    api = caller(transport, running, brand)
    await put_person(api, brand, "ann")
    segment_id = await put_segment(api, brand)
    assert (await api.call(READY, {})).status == 200
    await see(running, disk, 999)
    readiness = await api.call(READY, {})
    assert (readiness.status, readiness.body["message"]) == (503, "not ready: disk (nearly full)")
    await ok(api, f"{SEGMENTS}/GetSegment", {"id": segment_id})
    person = {"brand_id": brand, "person_id": "ann"}
    assert (await api.call("messaging.PersonService/DeletePerson", person)).status < 300
    await see(running, disk, PLENTY)
    assert (await api.call(READY, {})).status == 200


async def test_a_stranger_is_not_told(small: tuple[Running, Disk], transport: str) -> None:
    running, disk = small
    await see(running, disk, 999)
    api = caller(transport, running, "a-brand")
    answer = await api.call(f"{SEGMENTS}/CreateSegment", segment("a-brand"), token="bad")
    assert answer.status == 401
    await see(running, disk, PLENTY)


async def test_over_grpc_the_refusal_says_when_to_come_again(
    small: tuple[Running, Disk], brand: str
) -> None:
    running, disk = small
    metadata = (("authorization", f"Bearer {running.token(brand)}"),)
    await see(running, disk, 999)
    stub = person_service_pb2_grpc.PersonServiceStub(running.channel)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.PutPerson(person_service_pb2.PutPersonRequest(), metadata=metadata)
    await see(running, disk, PLENTY)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    trailing = dict(refused.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert [detail.Unpack(info) or detail.Unpack(retry) for detail in status.details] == [True] * 2
    assert (info.reason, retry.retry_delay.seconds) == ("STORAGE_FULL", 30)


async def test_a_database_without_room_is_told_alike(
    faulty: tuple[Running, FaultyStorage], transport: str, brand: str
) -> None:
    api = caller(transport, faulty[0], brand)
    with faulty[1].failing_with(StorageFull("the disk is full")):
        answer = await api.call(f"{SEGMENTS}/CreateSegment", segment(brand))
    assert is_refusal(answer)
    await ok(api, f"{SEGMENTS}/CreateSegment", segment(brand))


async def test_the_disk_of_a_dispatcher_is_not_that_of_a_database_server(
    tmp_path: Path, new_postgres_database: NewDatabase, brand: str
) -> None:
    disk = Disk()
    parts = frozenset({Part.API, Part.DISPATCHER})
    async with running_service(
        tmp_path, new_postgres_database(), parts, free_disk=disk, min_free_disk=1000
    ) as running:
        api = caller("grpc", running, brand)
        await see(running, disk, 999)
        await put_segment(api, brand)
        readiness = await api.call(READY, {})
    assert readiness.body["message"] == "not ready: disk (nearly full)"
