"""Nothing that a caller sent is in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from server.runtime.logs import GRPC, configure_logging
from tests.support.frames import DATA, END_HEADERS, END_STREAM, HEADERS, frame, head, opening

SECRET = b"Bearer secret\xff"


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """The log as a service sets it up."""
    root, of_grpc = logging.getLogger(), logging.getLogger(GRPC)
    handlers, filters, level = root.handlers[:], of_grpc.filters[:], root.level
    configure_logging("debug")
    yield capsys
    root.handlers[:], of_grpc.filters[:] = handlers, filters
    root.setLevel(level)


async def test_metadata_that_are_not_utf8_are_not_logged(
    log: pytest.CaptureFixture[str],
) -> None:
    arrived = asyncio.Event()

    async def answer(_request: bytes, _context: object) -> bytes:
        arrived.set()
        return b""

    server = grpc.aio.server()
    method: Any = grpc.unary_unary_rpc_method_handler(answer)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("a", {"B": method})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    block = head({":path": b"/a/B", "authorization": SECRET})
    writer.write(opening() + frame(HEADERS, END_HEADERS, 1, block))
    writer.write(frame(DATA, END_STREAM, 1, bytes(5)))
    async with asyncio.timeout(10):
        await arrived.wait()
    writer.close()
    await server.stop(None)
    assert "secret" not in log.readouterr().err
