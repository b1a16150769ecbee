"""REST calls, many at once: HTTP/1.1 over connections that are kept, one call at a time on each,
read as far as the length of the body.

A Python HTTP client makes some hundreds of calls a second and would be what is measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import cast
from urllib.parse import urlsplit

from benchmarks.load import AT_ONCE, Load

_HEAD_END = b"\r\n\r\n"


class _Connection(asyncio.Protocol):
    """Sends a request when the answer to the one before has come, until there are none."""

    def __init__(self, requests: Iterator[bytes], status: int) -> None:
        self._requests = requests
        self._status = b" %d " % status
        self._buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def begin(self) -> None:
        """Sends the next request, if there is one."""
        request = next(self._requests, None)
        if request is not None:
            self._transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        length = _answer_length(self._buffer)
        if length is None or len(self._buffer) < length:
            return
        if self._status not in self._buffer[:20]:
            raise AssertionError(f"a call failed: {self._buffer[:1000]!r}")
        self._buffer = self._buffer[length:]
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def close(self) -> None:
        """Lets go of the connection."""
        self._transport.close()


def _answer_length(buffer: bytes) -> int | None:
    """Octets of the whole answer, or None while that is not known."""
    head_end = buffer.find(_HEAD_END)
    if head_end < 0:
        return None
    head = buffer[:head_end].lower()
    body = head_end + len(_HEAD_END)
    if b"transfer-encoding: chunked" in head:
        last = buffer.find(b"0\r\n\r\n", body)
        return None if last < 0 else last + 5
    place = head.find(b"content-length: ")
    assert place >= 0, head
    return body + int(head[place + 16 :].split(b"\r\n", 1)[0])


def post(url: str, token: str, body: bytes) -> bytes:
    """A request as it goes over the wire."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def call_many(
    url: str, requests: Sequence[bytes], status: int, at_once: int = AT_ONCE
) -> Load:
    """Makes the calls, `at_once` in flight, each on a connection of its own. Raises AssertionError
    for an answer of another status."""
    parts = urlsplit(url)
    remaining, load = iter(requests), Load(len(requests))
    loop = asyncio.get_running_loop()
    host, port = parts.hostname or "", parts.port or 80
    opened = [
        await loop.create_connection(lambda: _Connection(remaining, status), host, port)
        for _ in range(at_once)
    ]
    connections = [connection for _, connection in opened]
    try:
        with load.measured():
            for connection in connections:
                connection.begin()
            await asyncio.gather(*(connection.done for connection in connections))
    finally:
        for connection in connections:
            connection.close()
    return load
