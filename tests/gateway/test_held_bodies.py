"""Bodies that never end: who sends too much of them is refused, and nobody else notices."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from carillon.messaging.v1 import segment_service_pb2
from server.config import Settings
from server.gateway.supervisor import Gateway
from tests.gateway.conftest import ROOT, client_of, free_ports
from tests.gateway.test_admission import head
from tests.support.upstream import Upstream, returning

SEGMENTS = "carillon.messaging.v1.SegmentService"
LENGTH = 200 * 1024
HELD = 1024 * 1024
"""What each of Envoy's workers may hold."""
WORKERS = os.cpu_count() or 1
GREEDY = WORKERS * (HELD // LENGTH) + 1
"""More bodies than all of them may."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def tight(settings: Settings, upstream: Upstream, tmp_path: Path) -> AsyncIterator[Settings]:
    """Another gateway of the same server, with little room."""
    (rest,) = free_ports(1)
    own = settings.model_copy(update={"data_dir": tmp_path, "rest_port": rest})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.gateway.bootstrap.HELD_BYTES", HELD * WORKERS)
        gateway = Gateway(own, config_root=ROOT)
        await gateway.start()
    yield own
    await gateway.stop()


async def unfinished(settings: Settings) -> Connection:
    """A request of which all but the end was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.rest_port)
    lines = ("content-type: application/json", "authorization: Bearer t")
    request = head("messaging.SegmentService/CreateSegment", *lines, f"content-length: {LENGTH}")
    writer.write(request + b'{"name": "' + b"x" * (LENGTH - 100))
    return reader, writer


async def test_who_holds_too_much_is_refused_and_nobody_else(
    tight: Settings, upstream: Upstream
) -> None:
    upstream.replies[f"{SEGMENTS}/CreateSegment"] = returning(segment_service_pb2.Segment())
    greedy = [await unfinished(tight) for _ in range(GREEDY)]
    answers = [asyncio.create_task(reader.readline()) for reader, _ in greedy]
    async with asyncio.timeout(20), client_of(tight) as rest:
        refused, _ = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        assert {answer.result() for answer in refused} == {b"HTTP/1.1 503 Service Unavailable\r\n"}
        assert (await rest.post("/v1/messaging/segments", json={})).status_code == 201
        for _, writer in greedy:
            writer.transport.abort()
        await asyncio.gather(*answers, return_exceptions=True)
        # Of those that are gone nothing is held, as soon as Envoy knows that they are.
        large = {"name": "x" * LENGTH}
        while (await rest.post("/v1/messaging/segments", json=large)).status_code != 201:
            pass
