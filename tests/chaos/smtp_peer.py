"""SMTP as a mail server speaks it (RFC 5321), as far as a client that sends one mail after the
other needs: fast enough not to be what is measured. The protocol's many refusals are tested with a
full server in tests/channels."""

from __future__ import annotations

import asyncio
import re
import time
from typing import cast

from tests.chaos.desk import Desk, Parcel

_MESSAGE_ID = re.compile(rb"(?im)^X-Carillon-Message-Id: (\S+)\r$")
_STANDARD_ID = re.compile(rb"(?im)^Message-ID: <([^@>\s]+)@[^>\s]+>\r$")
_END = b"\r\n.\r\n"


class SmtpPeer(asyncio.Protocol):
    """One connection."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._number = desk.number()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._in_body = False
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._desk.open.add(self)
        self._say("220 peer ESMTP")

    def connection_lost(self, error: Exception | None) -> None:
        self._desk.open.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._take_body() if self._in_body else self._take_command():
            pass

    def accept(self, parcel: Parcel) -> None:
        self._say(f"250 2.0.0 Ok: queued as {parcel.message_id[:60]}")

    def refuse(self, reply: str) -> None:
        self._say(reply)

    def reset(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _take_command(self) -> bool:
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            return False
        self._buffer = rest
        self._obey(line[:4].upper().decode("ascii", "replace"))
        return True

    def _obey(self, verb: str) -> None:
        if verb == "EHLO":
            self._say("250-peer", "250-8BITMIME", "250 SMTPUTF8")
        elif verb == "MAIL":
            self._begun = time.time()
            self._say("250 2.1.0 Ok")
        elif verb == "DATA":
            self._in_body = True
            self._say("354 Go ahead")
        elif verb == "QUIT":
            self._say("221 2.0.0 Bye")
            if self._transport is not None:
                self._transport.close()
        elif verb in ("RCPT", "RSET", "NOOP", "HELO"):
            self._say("250 2.0.0 Ok")
        else:
            self._say("502 5.5.1 Not implemented")

    def _take_body(self) -> bool:
        body, found, rest = self._buffer.partition(_END)
        if not found:
            return False
        self._buffer, self._in_body = rest, False
        ours, standard = _MESSAGE_ID.search(body), _STANDARD_ID.search(body)
        if ours is None or standard is None or ours[1] != standard[1]:
            self._say("554 5.6.0 A mail without one id")
            return True
        self._desk.take(
            Parcel(message_id=ours[1].decode(), begun=self._begun, connection=self._number), self
        )
        return True

    def _say(self, *lines: str) -> None:
        if self._transport is not None:
            self._transport.write("".join(f"{line}\r\n" for line in lines).encode())
