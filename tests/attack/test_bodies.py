"""Bodies that are large, without end, or slow to read, with a token and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from server.app import Part
from server.config import Settings
from server.database import migrate_database
from tests.support.api.callers import METHODS, full_path
from tests.support.api.running import Running, running_service
from tests.support.hostile.memory import resident_mib

IDLE = frozenset({Part.API, Part.GATEWAY})
EMPTY_PERSON = b"\x0a\x00"
PEOPLE_BYTES = 24 * 1024 * 1024
DIGITS = 16 * 1024 * 1024
UNFINISHED = 24
BODY_BYTES = 100 * 1024 * 1024
PIECE = 64 * 1024
AT_ONCE = 8
MOST_MIB = 400
"""What all of them may leave: a quarter of what one took. The client is in this process, too."""
SENDING = "/v1/admin/campaigns/none/send"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    await migrate_database(Settings(data_dir=tmp_path))
    async with running_service(tmp_path, parts=IDLE) as service:
        yield service


async def others_are_answered(running: Running) -> None:
    """A call of somebody else."""
    token = {"authorization": f"Bearer {running.token('others')}"}
    async with asyncio.timeout(5):
        response = await running.http.get("/v1/messaging/segments", headers=token)
    assert response.status_code == 200


async def test_empty_people_without_a_token(
    running: Running, size: Callable[[int], int], figure: Callable[[str], None]
) -> None:
    message = EMPTY_PERSON * (size(PEOPLE_BYTES) // len(EMPTY_PERSON))
    path = full_path(METHODS["messaging.PersonService/BatchPutPeople"])
    before = resident_mib()
    for port in (running.settings.grpc_port, running.settings.rest_port):
        options = [("grpc.max_send_message_length", -1)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            rpc: Any = channel.unary_unary(path)
            calls = [asyncio.ensure_future(rpc(message)) for _ in range(AT_ONCE)]
            await others_are_answered(running)
            for ended in await asyncio.gather(*calls, return_exceptions=True):
                assert isinstance(ended, grpc.aio.AioRpcError)
                assert ended.code() is grpc.StatusCode.UNAUTHENTICATED
    grown = resident_mib() - before
    figure(f"{2 * AT_ONCE} of {len(message):,} bytes, +{grown} MiB")
    assert grown < MOST_MIB


@pytest.mark.parametrize("with_token", [False, True], ids=["no token", "token"])
async def test_millions_of_digits(
    running: Running, size: Callable[[int], int], with_token: bool
) -> None:
    headers = {"content-type": "application/json"}
    if with_token:
        headers["authorization"] = f"Bearer {running.token('greedy')}"
    content = b'{"recipients": [' + b"1" * size(DIGITS) + b"]}"
    sending = [
        asyncio.ensure_future(running.http.post(SENDING, content=content, headers=headers))
        for _ in range(AT_ONCE)
    ]
    await others_are_answered(running)
    for answer in await asyncio.gather(*sending, return_exceptions=True):
        # A client that still sends may see no more than that nobody listens.
        if not isinstance(answer, httpx.TransportError):
            assert isinstance(answer, httpx.Response)
            assert answer.status_code in (401, 422)


@pytest.mark.parametrize("with_token", [False, True], ids=["no token", "token"])
async def test_bodies_without_end(
    running: Running, size: Callable[[int], int], with_token: bool
) -> None:
    token = f"authorization: Bearer {running.token('greedy')}\r\n" if with_token else ""
    head = (
        f"POST {SENDING} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{token}"
        f"content-length: {BODY_BYTES}\r\n\r\n"
    ).encode()
    pieces = size(BODY_BYTES) // PIECE

    async def send() -> asyncio.StreamWriter:
        _, writer = await asyncio.open_connection("127.0.0.1", running.settings.rest_port)
        try:
            writer.write(head + b'{"recipients": [{"person_id": "')
            for _ in range(pieces):
                writer.write(b"x" * PIECE)
                await writer.drain()
        except ConnectionError:
            pass
        return writer

    writers = await asyncio.gather(*(send() for _ in range(UNFINISHED)))
    await others_are_answered(running)
    for writer in writers:
        writer.transport.abort()
    await others_are_answered(running)
