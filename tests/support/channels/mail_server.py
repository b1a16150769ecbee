"""A real mail server on loopback, in the test's own event loop, that can be told how to fail."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from aiosmtpd.smtp import Envelope as ReceivedEnvelope
from aiosmtpd.smtp import Session as ServerSession

from server.channels.provider import Envelope

MAIL_FROM = "Carillon <news@acme.example>"


def envelope(message_id: str = "msg-1", **changes: Any) -> Envelope:
    fields: dict[str, Any] = {
        "message_id": message_id,
        "brand_id": "acme",
        "person_id": "p-1",
        "channel": "email",
        "address": "ada@example.com",
        "subject": "Hello",
        "body": "Hi Ada",
        "html": None,
        "created_at": datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    }
    return Envelope(**(fields | changes))


class Connection(SMTP):
    """One connection to the server below, which decides what it says."""

    def __init__(self, owner: MailServer, **options: Any) -> None:
        super().__init__(owner, **options)
        self.owner = owner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.transport is None:
            self.owner.opened += 1
            self.owner.connections.append(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.owner.closed.set()

    def drop(self) -> None:
        """Breaks the connection without a word."""
        cast(asyncio.Transport, self.transport).abort()

    async def smtp_MAIL(self, arg: str | None) -> None:
        await self._unless_scripted("MAIL", super().smtp_MAIL, arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        await self._unless_scripted("RCPT", super().smtp_RCPT, arg)

    async def smtp_DATA(self, arg: str | None) -> None:
        await self._unless_scripted("DATA", super().smtp_DATA, arg)

    async def smtp_RSET(self, arg: str | None) -> None:
        await self._unless_scripted("RSET", super().smtp_RSET, arg)

    async def smtp_QUIT(self, arg: str | None) -> None:
        self.owner.said_quit.set()
        await super().smtp_QUIT(arg)

    async def _unless_scripted(
        self, command: str, normally: Callable[[str | None], Awaitable[None]], arg: str | None
    ) -> None:
        reply = self.owner.next_reply(command)
        if reply == "drop":
            self.drop()
        elif reply == "hang":
            self.owner.hanging.set()
            await asyncio.Event().wait()
        elif reply is not None:
            await self.push(reply)
        else:
            await normally(arg)


class MailServer:
    """Accepts everything, unless `script` names a reply for a command: `MAIL`, `RCPT`, `DATA`,
    `RSET`, or `BODY` (after the final dot). A reply is a status line, `drop` or `hang`; a list of
    them is used up one by one."""

    def __init__(self, *, pipelining: bool = True, **options: object) -> None:
        self.options = options
        self.pipelining = pipelining
        self.script: dict[str, list[str | None]] = {}
        self.received: list[bytes] = []
        self.recipients: list[str] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.opened = 0
        self.busy = 0
        self.most_busy = 0
        self.connections: list[Connection] = []
        self.closed = asyncio.Event()
        self.said_quit = asyncio.Event()
        self.hanging = asyncio.Event()
        self.release = asyncio.Event()
        self.release.set()
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        loop = asyncio.get_running_loop()
        options = {
            "hostname": "mail.test",
            "enable_SMTPUTF8": True,
            "loop": loop,
            "decode_data": False,
        } | self.options
        self._server = await loop.create_server(
            lambda: Connection(self, **options), "127.0.0.1", self.port, ssl=tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self.connections:
            if connection.transport is not None:
                cast(asyncio.Transport, connection.transport).abort()
        await self._server.wait_closed()

    def next_reply(self, command: str) -> str | None:
        replies = self.script.get(command)
        return replies.pop(0) if replies else None

    async def handle_EHLO(
        self,
        server: Connection,
        session: ServerSession,
        received: ReceivedEnvelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *(["250-PIPELINING"] if self.pipelining else []), responses[-1]]

    async def handle_DATA(
        self, server: Connection, session: ServerSession, received: ReceivedEnvelope
    ) -> str:
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        self.hanging.set()
        await self.release.wait()
        self.busy -= 1
        reply = self.next_reply("BODY")
        if reply == "drop":
            server.drop()
            return ""
        if reply == "hang":
            await asyncio.Event().wait()
        if reply is not None:
            return reply
        assert isinstance(received.content, bytes)
        self.received.append(received.content)
        self.recipients.extend(received.rcpt_tos)
        return "250 2.0.0 Ok: queued as 4XyZ12"

    def authenticate(
        self,
        server: Connection,
        session: ServerSession,
        wanted: ReceivedEnvelope,
        mechanism: str,
        data: object,
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss/word", handled=False)
