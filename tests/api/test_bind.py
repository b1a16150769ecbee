"""Addresses the service can be bound to."""

from __future__ import annotations

from pathlib import Path

import grpc
import httpx
import pytest

from server.app import Service
from server.config import Settings
from server.gateway.ports import require_free
from tests.support.api.callers import GrpcCaller
from tests.support.api.running import free_ports


@pytest.mark.parametrize(
    ("bind", "host"),
    [("::1", "[::1]"), ("::", "[::1]"), ("0.0.0.0", "127.0.0.1")],  # noqa: S104
)
async def test_rest_and_grpc_answer_where_the_service_is_bound(
    tmp_path: Path, bind: str, host: str
) -> None:
    rest, grpc_port = free_ports(2)
    service = Service(
        Settings(
            data_dir=tmp_path,
            bind=bind,
            grpc_bind=bind,
            rest_port=rest,
            grpc_port=grpc_port,
        )
    )
    await service.start()
    try:
        async with (
            httpx.AsyncClient(trust_env=False) as http,
            grpc.aio.insecure_channel(f"{host}:{grpc_port}") as channel,
        ):
            assert (await http.get(f"http://{host}:{rest}/readyz")).status_code == 200
            assert (
                await GrpcCaller(channel, "").call("ops.ProbeService/CheckReadiness", {})
            ).status == 200
    finally:
        await service.stop()


async def test_grpc_answers_on_a_socket_and_on_no_port(tmp_path: Path) -> None:
    rest, grpc_port = free_ports(2)
    service = Service(
        Settings(
            data_dir=tmp_path,
            grpc_bind=f"unix:{tmp_path}/own.sock",
            rest_port=rest,
            grpc_port=grpc_port,
        )
    )
    await service.start()
    try:
        require_free("127.0.0.1", grpc_port, "CARILLON_GRPC_PORT")
        async with grpc.aio.insecure_channel(f"unix:{tmp_path}/own.sock") as channel:
            ready = await GrpcCaller(channel, "").call("ops.ProbeService/CheckReadiness", {})
        assert ready.status == 200
    finally:
        await service.stop()
