"""More idle connections than anybody is to have, and requests that are taken back at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from tests.support.carillon import Installation, admin_client
from tests.support.hostile.connections import is_closed, reset_rapidly, silent_connections

SILENT = 10_020
RESETS = 1600
"""On each connection."""
CONNECTIONS = 100
"""On which resets come, one after another."""
LONGEST = 20
"""Seconds after which a caller who tries again and again must have been answered."""


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    """A running service of its own process, with the limits that it has by default."""
    installation = Installation(tmp_path)
    async with installation.running():
        yield installation


async def answered(installation: Installation) -> float:
    """Seconds until a caller who tries again and again is answered."""
    start = time.monotonic()
    async with asyncio.timeout(LONGEST):
        while True:
            try:
                async with httpx.AsyncClient(base_url=installation.rest) as client:
                    assert (await client.get("/readyz")).status_code == 200
            except httpx.HTTPError:
                continue
            return time.monotonic() - start


async def test_idle_connections_to_the_gateway(
    installation: Installation, size: Callable[[int], int], figure: Callable[[str], None]
) -> None:
    count = size(SILENT)
    async with silent_connections(installation.ports[0], count) as silent:
        seconds = await answered(installation)
        if count == SILENT:
            assert all(await asyncio.gather(*map(is_closed, silent)))
    figure(f"{count:,} connections, answered after {seconds:.1f} s")


async def test_idle_connections_to_grpc(
    installation: Installation, size: Callable[[int], int], figure: Callable[[str], None]
) -> None:
    async with silent_connections(installation.ports[1], size(SILENT)):
        seconds = await answered(installation)
    figure(f"{size(SILENT):,} connections, REST answered after {seconds:.1f} s")


async def test_rapid_resets(
    installation: Installation, size: Callable[[int], int], figure: Callable[[str], None]
) -> None:
    connections = size(CONNECTIONS)
    for _ in range(connections):
        await reset_rapidly(installation.ports[0], "/healthz", RESETS)
    async with admin_client(installation.admin_socket) as page:
        stats = await page.get("/stats?filter=^http.rest.downstream_rq_total$")
    begun = int(stats.text.rpartition(":")[2])
    seconds = await answered(installation)
    figure(
        f"{connections} connections of {RESETS:,} requests, {begun:,} were begun, "
        f"answered after {seconds:.1f} s"
    )
    assert begun <= connections * 120
