"""HTTP/1.1 as a provider's web API speaks it, as far as a client that posts JSON needs; with
idempotency keys or without."""

from __future__ import annotations

import asyncio
import json
import time
from typing import cast

from tests.chaos.desk import Desk, Parcel

_END_OF_HEAD = b"\r\n\r\n"
REASONS = {
    200: "OK",
    400: "Bad Request",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


class HttpPeer(asyncio.Protocol):
    """One connection. Requests on it come one after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._number = desk.number()
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._desk.open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._desk.open.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        if not self._buffer:
            self._begun = time.time()
        self._buffer += data
        head, found, rest = self._buffer.partition(_END_OF_HEAD)
        if not found:
            return
        headers = _headers(head)
        length = int(headers.get("content-length", "0"))
        if len(rest) >= length:
            self._buffer = rest[length:]
            self._take(headers, rest[:length])

    def accept(self, parcel: Parcel) -> None:
        self._say(200, json.dumps({"id": f"taken-{parcel.message_id}"}))

    def refuse(self, reply: str) -> None:
        self._say(int(reply), "{}")

    def reset(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _take(self, headers: dict[str, str], body: bytes) -> None:
        try:
            message_id = json.loads(body)["message_id"]
        except (ValueError, KeyError, TypeError):
            self._say(400, "{}")
            return
        parcel = Parcel(
            message_id=message_id,
            begun=self._begun,
            connection=self._number,
            key=headers.get("idempotency-key"),
        )
        self._desk.take(parcel, self)

    def _say(self, status: int, body: str) -> None:
        if self._transport is not None:
            head = (
                f"HTTP/1.1 {status} {REASONS.get(status, 'Other')}\r\ncontent-type: "
                f"application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            self._transport.write((head + body).encode())


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
