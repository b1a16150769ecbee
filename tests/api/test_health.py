"""grpc.health.v1 says whether a replica should get calls: it follows the database, and the end of
the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.api import health
from server.api.health import Health
from server.api.options import ApiOptions
from server.api.policies import method_policies
from server.api.server import GrpcServer
from server.domain.budgets import Budgets
from server.domain.clock import SystemClock
from server.domain.contacts.unsubscribe import UnsubscribeLinks
from server.identity.verifier import TokenVerifier
from storage.contract.errors import StorageUnavailable
from storage.sql.open import migrate, open_storage
from tests.support.api.callers import GrpcCaller
from tests.support.api.faults import running_faulty_service
from tests.support.api.running import free_ports

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
NAME = "carillon.comms.v1.MessageService"


async def watched(channel: grpc.aio.Channel, name: str = "") -> AsyncGenerator[int, None]:
    """The status, and every one it changes to."""
    stub: Any = health_pb2_grpc.HealthStub(channel)
    async for response in stub.Watch(health_pb2.HealthCheckRequest(service=name)):
        yield response.status


async def until(statuses: AsyncGenerator[int, None], wanted: int) -> None:
    """Returns at the first of these statuses; which came before it depends on when the watch
    began."""
    while await anext(statuses) != wanted:
        pass


@asynccontextmanager
async def serving(
    database_answers: Callable[[], Awaitable[bool]],
) -> AsyncIterator[tuple[Health, grpc.aio.Channel]]:
    """Health alone on a server."""
    server, said = grpc.aio.server(), Health([NAME], database_answers)
    health_pb2_grpc.add_HealthServicer_to_server(said.servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await said.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield said, channel
    finally:
        await said.stop()
        await server.stop(None)


async def nothing_missing() -> list[str]:
    return []


async def true() -> bool:
    return True


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "INTERVAL", 0.01)
    monkeypatch.setattr(health, "PATIENCE", 0.05)


async def test_a_replica_without_its_database_is_not_serving_until_it_answers_again(
    tmp_path: Path,
) -> None:
    async with (
        running_faulty_service(tmp_path) as (running, storage),
        aclosing(watched(running.channel)) as statuses,
    ):
        # On a slow machine a question may take longer than it may, before or after.
        await until(statuses, SERVING)
        storage.fault = StorageUnavailable("gone")
        await until(statuses, NOT_SERVING)
        storage.fault = None
        await until(statuses, SERVING)


async def test_a_database_that_says_nothing_is_gone_and_is_asked_one_question_at_a_time() -> None:
    asked, answer = 0, asyncio.Event()

    async def database_answers() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            await answer.wait()
        return True

    async with (
        serving(database_answers) as (_, channel),
        aclosing(watched(channel, NAME)) as statuses,
    ):
        await until(statuses, NOT_SERVING)
        assert asked == 2
        answer.set()
        assert await anext(statuses) == SERVING


async def test_a_server_that_stops_is_not_serving_whatever_the_database_says() -> None:
    answers = False

    async def database_answers() -> bool:
        return answers

    async with serving(database_answers) as (said, channel), aclosing(watched(channel)) as statuses:
        await until(statuses, NOT_SERVING)
        await said.stop()
        answers = True
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for name in ("", NAME):
            assert (
                await stub.Check(health_pb2.HealthCheckRequest(service=name))
            ).status == NOT_SERVING


async def test_a_server_that_drains_says_so_and_serves_all_the_same(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'carillon.db'}"
    await migrate(url)
    storage, clock = await open_storage(url), SystemClock()
    tokens, links = (
        TokenVerifier([], clock),
        UnsubscribeLinks([b"x" * 32], "http://127.0.0.1"),
    )
    server = GrpcServer(
        storage,
        clock,
        tokens,
        links,
        nothing_missing,
        true,
        ApiOptions(
            send_wait_seconds=0,
            max_request_bytes=1024,
            policies=method_policies(),
            has_room=lambda: True,
            max_connections=16,
            reflection=False,
            watchers_per_caller=1,
            budgets=Budgets(),
            push_key=None,
            email_secrets={},
            sms_canary_number="",
            sms_canary_seconds=0,
        ),
    )
    (port,) = free_ports(1)
    await server.start(f"127.0.0.1:{port}")
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        aclosing(watched(channel)) as statuses,
    ):
        assert await anext(statuses) == SERVING
        draining = asyncio.create_task(server.stop(drain=3600))
        assert await anext(statuses) == NOT_SERVING
        assert (
            await GrpcCaller(channel, "").call("ops.ProbeService/CheckReadiness", {})
        ).status == 200
        draining.cancel()
        await asyncio.wait([draining])
    await server.stop(drain=0)
    await storage.close()
