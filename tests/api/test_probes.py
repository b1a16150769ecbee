"""Probes: what load balancers and people ask before they send work."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from server.api.policies import service_descriptors
from storage.contract.errors import StorageUnavailable
from tests.support.api.callers import caller
from tests.support.api.faults import FaultyStorage
from tests.support.api.refusals import check_refusal
from tests.support.api.running import Running, running_service

NAMES = [service.full_name for service in service_descriptors()]


async def test_a_running_service_is_alive_and_ready_without_a_token(running: Running) -> None:
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        response = await running.http.get(path)
        assert (response.status_code, response.json()) == (200, {"status": status})
        assert response.headers["cache-control"] == "no-store"
    for method in ("CheckLiveness", "CheckReadiness"):
        assert (
            await caller("grpc", running, "b").call(f"ops.ProbeService/{method}", {}, token="")
        ).status == 200


async def test_a_bad_token_does_not_make_a_probe_fail(running: Running) -> None:
    response = await running.http.get("/readyz", headers={"authorization": "Bearer garbage"})
    assert response.status_code == 200


async def test_a_database_that_is_gone_is_not_ready_but_alive(
    faulty: tuple[Running, FaultyStorage],
) -> None:
    running, storage = faulty
    with storage.failing_with(StorageUnavailable("gone")):
        ready, alive = await running.http.get("/readyz"), await running.http.get("/healthz")
    assert (ready.status_code, ready.json()) == (
        503,
        {"error": "unavailable", "message": "not ready: database"},
    )
    assert alive.status_code == 200
    assert (await running.http.get("/readyz")).status_code == 200


async def test_what_is_not_ready_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with running_service(tmp_path_factory.mktemp("stopping")) as running:
        assert running.service.dispatcher is not None
        await running.service.dispatcher.stop()
        response = await running.http.get("/readyz")
        check_refusal(response.json(), {})
        assert (response.status_code, response.json()["message"]) == (503, "not ready: dispatcher")
        assert running.service.gateway is not None
        await running.service.gateway.stop()
        answer = await caller("grpc", running, "b").call(
            "ops.ProbeService/CheckReadiness", {}, token=""
        )
        assert (answer.status, answer.body["message"]) == (503, "not ready: dispatcher, gateway")


async def check_health(running: Running, name: str) -> int:
    """What grpc.health.v1 says of a service, asked without a token."""
    method: Any = running.channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    response: health_pb2.HealthCheckResponse = await method(
        health_pb2.HealthCheckRequest(service=name)
    )
    return response.status


async def test_every_service_is_serving(running: Running) -> None:
    for name in ("", *NAMES):
        assert await check_health(running, name) == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await check_health(running, "carillon.comms.v1.NopeService")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_and_describes_every_service_without_a_token(
    running: Running, version: str
) -> None:
    method: Any = running.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    requests = [reflection_pb2.ServerReflectionRequest(list_services="")]
    requests += [
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=name) for name in NAMES
    ]
    listed, *described = [response async for response in method(iter(requests))]
    names = {service.name for service in listed.list_services_response.service}
    assert names == {
        *NAMES,
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    assert all(response.file_descriptor_response.file_descriptor_proto for response in described)


async def test_reflection_can_be_turned_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with running_service(tmp_path_factory.mktemp("silent"), grpc_reflection=False) as running:
        method: Any = running.channel.stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await anext(aiter(method(iter([b""]))))
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert await check_health(running, "") == health_pb2.HealthCheckResponse.SERVING
