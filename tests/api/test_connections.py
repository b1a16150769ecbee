"""Connections of somebody who means no good keep nobody else out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from server.app import Part
from server.config import Settings
from server.database import migrate_database
from tests.support.api.running import Running, running_service
from tests.support.carillon import admin_client
from tests.support.hostile.connections import is_closed, reset_rapidly, silent_connections

MOST = 16


@pytest.fixture(scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A service that takes few connections."""
    directory = tmp_path_factory.mktemp("small")
    await migrate_database(Settings(data_dir=directory))
    parts = frozenset({Part.API, Part.GATEWAY})
    async with running_service(directory, parts=parts, max_connections=MOST) as running:
        yield running


async def status(running: Running) -> int:
    """Of a request on a connection of its own."""
    async with httpx.AsyncClient(base_url=f"{running.http.base_url}") as client:
        return (await client.get("/readyz")).status_code


async def test_idle_connections_to_the_gateway_make_room_when_there_are_many(
    small: Running,
) -> None:
    async with asyncio.timeout(30), silent_connections(small.settings.rest_port, MOST) as silent:
        assert all(await asyncio.gather(*map(is_closed, silent)))
        assert await status(small) == 200


async def test_a_crowded_grpc_port_takes_no_more_and_the_gateway_answers_all_the_same(
    small: Running,
) -> None:
    port = small.settings.grpc_port
    async with (
        asyncio.timeout(30),
        silent_connections(port, MOST) as silent,
        silent_connections(port, 1) as (one_more,),
    ):
        others = [asyncio.create_task(is_closed(reader)) for reader in silent]
        assert await is_closed(one_more)
        # At once, and not because it said nothing for too long: they have for longer.
        assert not any(other.done() for other in others)
        assert await status(small) == 200


async def test_of_requests_that_are_taken_back_at_once_few_are_begun(small: Running) -> None:
    async with admin_client(small.settings.data_dir / "envoy" / "admin.sock") as page:
        before = await begun(page)
        async with asyncio.timeout(30):
            await reset_rapidly(small.settings.rest_port, "/healthz", 2000)
        assert await begun(page) - before <= 120
    assert await status(small) == 200


async def begun(page: httpx.AsyncClient) -> int:
    """Requests that the gateway has begun."""
    answer = await page.get("/stats?filter=^http.rest.downstream_rq_total$")
    return int(answer.text.rpartition(":")[2])
