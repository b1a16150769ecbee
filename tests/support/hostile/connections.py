"""Connections that say nothing, or take everything back."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 200
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, SETTINGS = 1, 3, 4
END_OF_STREAM_AND_HEADERS = 0x5
CANCEL = struct.pack(">I", 8)


@asynccontextmanager
async def silent_connections(port: int, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many connections, from which nothing comes."""
    writers: list[asyncio.StreamWriter] = []
    readers: list[asyncio.StreamReader] = []
    try:
        for start in range(0, count, AT_ONCE):
            opened = await asyncio.gather(
                *(
                    asyncio.open_connection("127.0.0.1", port)
                    for _ in range(start, min(start + AT_ONCE, count))
                )
            )
            readers += [reader for reader, _ in opened]
            writers += [writer for _, writer in opened]
        yield readers
    finally:
        for writer in writers:
            writer.transport.abort()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Returns as soon as the other side has closed the connection, whatever it said before."""
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        pass
    return True


async def reset_rapidly(port: int, path: str, count: int) -> None:
    """Begins so many requests on one connection and takes each back at once, until that is done or
    the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(PREFACE + _frame(SETTINGS, 0, 0, b""))
    head = _head(path)
    try:
        for number in range(count):
            stream = 2 * number + 1
            writer.write(_frame(HEADERS, END_OF_STREAM_AND_HEADERS, stream, head))
            writer.write(_frame(RST_STREAM, 0, stream, CANCEL))
            await writer.drain()
        await is_closed(reader)
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()


def _head(path: str) -> bytes:
    """A GET, compressed as little as HPACK allows (RFC 7541, appendix A: 2 is GET, 6 http)."""
    return b"\x82\x86\x04" + _text(path) + b"\x01" + _text("carillon")


def _text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("ascii")


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    size = struct.pack(">I", len(payload))[1:]
    return size + struct.pack(">BBI", kind, flags, stream) + payload
