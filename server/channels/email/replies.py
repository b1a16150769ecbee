"""Reads what a mail server replies to commands that are written together.

aiosmtplib opens connections, encrypts them and logs in; it reads one reply for each command it
writes, though, and what comes with it is lost. Here a group of commands goes out in one write and
all of its replies are waited for at once, as PIPELINING (RFC 2920) allows.
"""

from __future__ import annotations

import asyncio

from aiosmtplib import SMTPException, SMTPResponse

_MAX_BYTES = 32 * 1024
"""Of replies that are waited for together. RFC 5321 section 4.5.3.1.5 has 512 octets a line."""
_MALFORMED = "not an SMTP reply"


class SmtpReplies(asyncio.Protocol):
    """Reads replies from an open connection on which none is awaited yet."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = 0
        self._received = 0
        self._replies: list[SMTPResponse] = []
        self._lines: list[str] = []
        self._buffer = b""
        self._is_sound = True
        """Nothing came that was not asked for: replies and commands are still paired."""
        self._is_lost = False
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Not known to be closed or about to be. The server may have closed it all the same."""
        return self._is_sound and not self._is_lost and not self._transport.is_closing()

    async def exchange(self, written: bytes, replies: int) -> list[SMTPResponse]:
        """Writes, and waits for so many replies; there are fewer if the connection was lost. Raises
        SMTPException for what is no reply."""
        if not self.usable:
            return []
        self._replies, self._wanted, self._received = [], replies, 0
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            self._transport.write(written)
            await self._waiter
        finally:
            self._waiter = None
        return self._replies

    def abort(self) -> None:
        """Drops the connection at once: nothing more of what was written may leave."""
        self._transport.abort()

    def quit(self) -> None:
        """Says goodbye without waiting for the answer."""
        if self.usable:
            self._transport.write(b"QUIT\r\n")
        self._is_sound = False
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            # Unasked, such as the 421 of a server that is about to close.
            self._is_sound = False
            return
        self._received += len(data)
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        try:
            if self._received > _MAX_BYTES:
                raise SMTPException(_MALFORMED)
            for line in lines:
                self._take(line)
        except SMTPException as error:
            self._is_sound = False
            self._waiter.set_exception(error)
            return
        if len(self._replies) > self._wanted or (
            len(self._replies) == self._wanted and (self._buffer or self._lines)
        ):
            self._is_sound = False
        if len(self._replies) >= self._wanted:
            self._waiter.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _take(self, line: bytes) -> None:
        """A line of a reply, of which only the last has no hyphen after the code (RFC 5321 section
        4.2.1)."""
        if not line[:3].isdigit() or len(line[:3]) < 3:
            raise SMTPException(_MALFORMED)
        self._lines.append(line[4:].strip(b" \t\r").decode("utf-8", "surrogateescape"))
        if line[3:4] != b"-":
            self._replies.append(SMTPResponse(int(line[:3]), "\n".join(self._lines)))
            self._lines = []
