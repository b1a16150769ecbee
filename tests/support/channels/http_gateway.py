"""A real HTTP gateway on loopback, in the test's own event loop, that can be told how to answer and
how to fail."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Behaviour = Callable[["Exchange"], Awaitable[None]]
"""What the gateway does once it has read the head of a request."""


@dataclass
class Received:
    """A request that was read to its end."""

    line: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass
class Exchange:
    """One request on a connection, and what the gateway may do about it."""

    gateway: HttpGateway
    line: str
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def take(self) -> None:
        """Reads the body: from here on the gateway has the message."""
        body = await self.reader.readexactly(int(self.headers.get("content-length", "0")))
        self.gateway.received.append(Received(self.line, self.headers, body))
        self.gateway.has_received.set()

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def stall(self) -> None:
        """Does nothing until the gateway is let go. Raises ConnectionError if the client goes away
        before."""
        self.gateway.hanging.set()
        let_go, gone = (
            asyncio.create_task(self.gateway.release.wait()),
            asyncio.create_task(self.reader.read(1)),
        )
        await asyncio.wait([let_go, gone], return_when=asyncio.FIRST_COMPLETED)
        let_go.cancel()
        gone.cancel()
        if not self.gateway.release.is_set():
            raise ConnectionError

    def reset(self) -> None:
        """Breaks the connection with a RST, as a crashed host or a firewall does."""
        peer = self.writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def response(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A whole answer; `_` in names of headers stands for `-`."""
    lines = [
        f"{name.replace('_', '-')}: {value}"
        for name, value in ({"content_length": str(len(body))} | headers).items()
    ]
    return (
        "\r\n".join([f"HTTP/1.1 {status} whatever ada@example.com", *lines, "", ""]).encode() + body
    )


def answer(status: int = 202, body: bytes = b'{"id": "gw-1"}', **headers: str) -> Behaviour:
    """Takes the message and answers."""
    return saying(response(status, body, **headers))


def saying(*parts: bytes, then_close: bool = False) -> Behaviour:
    """Takes the message, and says something part by part."""

    async def behave(exchange: Exchange) -> None:
        await exchange.take()
        for part in parts:
            await exchange.say(part)
        if then_close:
            exchange.writer.close()

    return behave


async def hang(exchange: Exchange) -> None:
    """Takes the message and says nothing."""
    await exchange.take()
    await exchange.stall()
    await exchange.say(response(202))


async def reset(exchange: Exchange) -> None:
    """Takes the message, and breaks the connection."""
    await exchange.take()
    exchange.reset()


async def close_at_head(exchange: Exchange) -> None:
    """Closes the connection without reading the body, as a server whose time for an idle connection
    is over."""
    exchange.writer.close()


class HttpGateway:
    """Takes every message, unless a script says otherwise; the script's behaviours are for the next
    requests, in order."""

    def __init__(self) -> None:
        self.script: deque[Behaviour] = deque()
        self.otherwise: Behaviour = answer()
        """What it does when the script has ended."""
        self.received: list[Received] = []
        self.has_received = asyncio.Event()
        self.heads = 0
        """Requests whose head was read."""
        self.opened = 0
        """Connections, ever."""
        self.busy = 0
        self.most_busy = 0
        """Most requests worked on at once."""
        self.hanging = asyncio.Event()
        self.release = asyncio.Event()
        self.closed = asyncio.Event()
        self.port = 0
        self.scheme = "http"
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1/messages"

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self.scheme = "https" if tls else "http"
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.release.set()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    def close_idle(self) -> None:
        """Closes every connection, as a server does with idle ones."""
        for writer in self._writers:
            writer.close()

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self._writers.append(writer)
        try:
            while not writer.is_closing():
                await self._exchange(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()
        finally:
            self.closed.set()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").strip().split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (each.partition(":") for each in lines)
        }
        assert len(headers) == len(lines), "a header is there twice"
        self.heads += 1
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        behave = self.script.popleft() if self.script else self.otherwise
        try:
            await behave(Exchange(self, line, headers, reader, writer))
        finally:
            self.busy -= 1
