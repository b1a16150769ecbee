"""Unary gRPC calls, many at once, for a tenth of what they cost the server: HTTP/2 frames written
and counted by hand.

A client of grpc.aio needs as much of a core for a call as the server does, so that on two cores the
client would be measured too. Here the headers of every call but the first of a connection are the
same few bytes (all from the dynamic table, as real clients send them), and of an answer only the
frame types and the status in the trailers are looked at.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from benchmarks.load import AT_ONCE, Load

_CONNECTIONS = 8
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_ACK, _END_STREAM, _END_HEADERS = 0x1, 0x1, 0x4
_FRAME_HEAD = 9
_LARGEST_WINDOW = 2**31 - 1
_DEFAULT_WINDOW = 65_535
_FIRST_DYNAMIC = 62
_OK = b"grpc-status\x010"
"""In trailers, which the server has to write out: our SETTINGS leave it no dynamic table."""


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _string(text: str) -> bytes:
    """HPACK: length with a prefix of seven bits, then the octets as they are."""
    octets = text.encode()
    if len(octets) < 127:
        return bytes([len(octets)]) + octets
    left, length = len(octets) - 127, [127]
    while left >= 128:
        length.append(left % 128 + 128)
        left //= 128
    return bytes([*length, left]) + octets


def _header_blocks(path: str, authority: str, token: str) -> tuple[bytes, bytes]:
    """HPACK of a connection's first request, which fills the dynamic table, and of all later ones,
    which only name its entries."""
    entries = [
        b"\x44" + _string(path),
        b"\x41" + _string(authority),
        b"\x5f" + _string("application/grpc"),
        b"\x40" + _string("te") + _string("trailers"),
        b"\x7a" + _string("carillon-bench"),
        b"\x57" + _string(f"Bearer {token}"),
    ]
    pseudo = b"\x83\x86"
    newest = _FIRST_DYNAMIC + len(entries) - 1
    return pseudo + b"".join(entries), pseudo + bytes(
        0x80 | (newest - place) for place in range(len(entries))
    )


class _Connection(asyncio.Protocol):
    """Keeps so many calls in flight until there are no more requests."""

    def __init__(
        self,
        blocks: tuple[bytes, bytes],
        requests: Iterator[bytes],
        width: int,
        answered: Callable[[bytes], None] | None,
    ) -> None:
        self._block, self._later_block = blocks
        self._requests = requests
        self._width = width
        self._answered = answered
        self._stream = -1
        self._in_flight = 0
        self._buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # No dynamic table for the server's headers; windows that never close.
        settings = struct.pack(">HIHI", 1, 0, 4, _LARGEST_WINDOW)
        opening = _frame(_SETTINGS, 0, 0, settings) + _frame(
            _WINDOW_UPDATE, 0, 0, struct.pack(">I", _LARGEST_WINDOW - _DEFAULT_WINDOW)
        )
        self._transport.write(_PREFACE + opening)

    def begin(self) -> None:
        """Sends the first requests."""
        self._transport.write(b"".join(self._next() for _ in range(self._width)))
        self._finish()

    def data_received(self, data: bytes) -> None:
        buffer, at, out = self._buffer + data, 0, []
        while len(buffer) - at >= _FRAME_HEAD:
            end = at + _FRAME_HEAD + int.from_bytes(buffer[at : at + 3], "big")
            if len(buffer) < end:
                break
            out.append(self._read(buffer[at + 3], buffer[at + 4], buffer[at + _FRAME_HEAD : end]))
            at = end
        self._buffer = buffer[at:]
        answer = b"".join(out)
        if answer:
            self._transport.write(answer)
        # The server's settings may be here before the first request is out.
        if self._stream > 0:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def close(self) -> None:
        """Lets go of the connection."""
        self._transport.close()

    def _read(self, kind: int, flags: int, payload: bytes) -> bytes:
        """What to send because of a frame."""
        if kind == _HEADERS and flags & _END_STREAM:
            if _OK not in payload:
                raise AssertionError(f"a call failed: {payload!r}")
            self._in_flight -= 1
            return self._next()
        if kind == _DATA and self._answered is not None:
            self._answered(payload[5:])
        if kind in {_SETTINGS, _PING} and not flags & _ACK:
            return _frame(kind, _ACK, 0, payload if kind == _PING else b"")
        assert kind not in {_RST_STREAM, _GOAWAY}, f"frame {kind}: {payload!r}"
        return b""

    def _next(self) -> bytes:
        request = next(self._requests, None)
        if request is None:
            return b""
        self._stream += 2
        self._in_flight += 1
        headers = _frame(_HEADERS, _END_HEADERS, self._stream, self._block)
        self._block = self._later_block
        return headers + _frame(
            _DATA, _END_STREAM, self._stream, b"\x00" + struct.pack(">I", len(request)) + request
        )

    def _finish(self) -> None:
        if not self._in_flight and not self.done.done():
            self.done.set_result(None)


async def call_many(
    address: str,
    path: str,
    token: str,
    requests: Sequence[bytes],
    at_once: int = AT_ONCE,
    answered: Callable[[bytes], None] | None = None,
) -> Load:
    """Makes the calls, `at_once` in flight over a few connections; `answered` gets every answer,
    serialised. Raises AssertionError if one fails."""
    host, port = address.split(":")
    count = min(_CONNECTIONS, at_once)
    remaining, load = iter(requests), Load(len(requests))
    blocks = _header_blocks(path, address, token)
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(
            lambda: _Connection(blocks, remaining, at_once // count, answered), host, int(port)
        )
        for _ in range(count)
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
