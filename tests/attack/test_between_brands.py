"""A brand that reads, writes and has messages delivered, beside one that makes expensive calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import grpc
import httpx
import pytest

from server.api.policies import all_scopes
from server.config import Settings
from server.database import migrate_database
from server.domain.clock import SystemClock
from server.identity.tokens import tokens_of
from tests.brands import create_brands
from tests.support.api.callers import GrpcCaller, RestCaller
from tests.support.carillon import Installation
from tests.support.hostile.greedy import KINDS, Greedy, go_on
from tests.support.hostile.neighbour import Neighbour, percentile
from tests.support.postgres import running_postgres

PEOPLE = 100_000
TICKS = 250
"""Of each kind of small call, beside each kind of expensive one."""
MOST_MS = 250


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
async def brands(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    size: Callable[[int], int],
) -> AsyncIterator[tuple[Greedy, Neighbour]]:
    """Two brands of one whole service, which is a process of its own."""
    tmp_path = tmp_path_factory.mktemp("brands")
    async with AsyncExitStack() as stack:
        settings = Settings(data_dir=tmp_path / "var")
        if request.param == "postgres":
            server = stack.enter_context(running_postgres(durable=True))
            settings = settings.model_copy(update={"database_url": server.create_database()})
        await migrate_database(settings)
        create_brands(settings.effective_database_url, ("greedy", "neighbour"))
        tokens = tokens_of(settings, SystemClock(), may_create=True)
        its_token, other_token = (
            tokens.mint("tester", [brand], all_scopes()) for brand in ("greedy", "neighbour")
        )
        installation = Installation(
            tmp_path,
            settings={"CARILLON_DATABASE_URL": settings.database_url},
            errors=tmp_path / "errors",
        )
        await stack.enter_async_context(installation.running())
        # Connections of their own: HTTP/2 would have the one wait for the other's bytes.
        mine, yours = [
            await stack.enter_async_context(
                grpc.aio.insecure_channel(
                    installation.grpc,
                    options=[
                        ("grpc.use_local_subchannel_pool", 1),
                        ("grpc.max_send_message_length", -1),
                        ("grpc.max_receive_message_length", -1),
                    ],
                )
            )
            for _ in range(2)
        ]
        http, other_http = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=installation.rest, timeout=120)
            )
            for _ in range(2)
        ]
        greedy = Greedy(GrpcCaller(mine, its_token), http, "greedy", size(PEOPLE))
        neighbour = Neighbour(
            GrpcCaller(yours, other_token), RestCaller(other_http, other_token), "neighbour"
        )
        await greedy.prepare()
        await neighbour.prepare()
        yield greedy, neighbour


@pytest.mark.parametrize("kind", KINDS)
async def test_what_another_brand_waits(
    brands: tuple[Greedy, Neighbour],
    kind: str,
    size: Callable[[int], int],
    figure: Callable[[str], None],
) -> None:
    greedy, neighbour = brands
    call, at_once = KINDS[kind]
    greedy.answers.clear()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as calls:
        for _ in range(at_once):
            calls.create_task(go_on(greedy, call, stop))
        await neighbour.live(size(TICKS))
        stop.set()
    most = {what: percentile(times, 0.99) * 1000 for what, times in neighbour.times.items()}
    found = [
        f"{what} {percentile(times, 0.5) * 1000:.0f}/{most[what]:.0f}"
        for what, times in neighbour.times.items()
    ]
    figure(f"{dict(greedy.answers)}: {', '.join(found)} ms")
    if size(TICKS) == TICKS:
        assert {what: ms for what, ms in most.items() if ms > MOST_MS} == {}
