"""Drives one SMTP connection step by step.

`aiosmtplib.SMTP.sendmail` hides how far it got. Whether a message may have left is decided by
exactly one thing, whether the first byte after the server's 354 was written, so the steps are taken
here one by one. No step has a time limit of its own: the caller's applies to all of them (and
`asyncio.wait_for` of Python 3.11, which aiosmtplib would use, can swallow a cancellation).
"""

from __future__ import annotations

import asyncio
import enum
import re
import ssl
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from server.channels.email.endpoint import SmtpEndpoint
from server.channels.email.message import Mail
from server.channels.email.refusals import CLOSING, SmtpStage, refusal
from server.channels.email.replies import SmtpReplies
from server.channels.provider import Delivery, Outcome
from server.domain.delivery.retry import ErrorClass

_LEADING_PERIOD = re.compile(rb"(?m)^\.")
_QUEUED_AS = re.compile(r"\bqueued as ([A-Za-z0-9.-]{1,64})(?![^\s)])")
_COMPLETED = (250, 251)
_START_INPUT = 354
_END_OF_DATA = b".\r\n"


class Step(enum.Enum):
    """How far a delivery got; the value is the reason to give when the connection fails there."""

    CONNECT = "smtp_connect_failed"
    TLS = "smtp_tls_failed"
    AUTH = "smtp_auth_failed"
    ENVELOPE = "smtp_connection_lost"
    BODY = "smtp_answer_lost"


@dataclass(frozen=True, slots=True)
class _Command:
    """A command before the body."""

    written: bytes
    stage: SmtpStage
    """What a refusal of it can be about."""
    expected: tuple[int, ...] = _COMPLETED
    """The replies that let the transaction go on."""


_RSET = _Command(b"RSET\r\n", SmtpStage.SENDER)
_DATA = _Command(b"DATA\r\n", SmtpStage.CONTENT, (_START_INPUT,))


@dataclass(slots=True)
class DeliveryProgress:
    """How far one delivery has come. It is kept outside the calls it follows, so that it survives
    their being cut short."""

    step: Step = Step.CONNECT

    def failed(self, reason: str | None = None) -> Delivery:
        """What it means that the connection failed, or time ran out, at this step."""
        reason = reason or self.step.value
        if self.step is Step.BODY:
            return Delivery(Outcome.AMBIGUOUS, reason)
        return Delivery(Outcome.REJECTED, reason, ErrorClass.UNREACHABLE)


class ConnectionLostError(Exception):
    """The connection broke or was closed by the server before the message began to leave."""


class SmtpConnection:
    """A connection that has said EHLO, encrypted where it must be and logged in. Deliveries go over
    it one after the other."""

    def __init__(self, replies: SmtpReplies, extensions: Collection[str]) -> None:
        self._replies = replies
        self._extensions = extensions
        self._transaction_open = False

    @classmethod
    async def open(
        cls,
        endpoint: SmtpEndpoint,
        context: ssl.SSLContext,
        local_hostname: str,
        progress: DeliveryProgress,
    ) -> SmtpConnection:
        """Connects. Raises SMTPException or OSError, with `progress` at the step that failed."""
        client = SMTP(
            hostname=endpoint.host,
            port=endpoint.port,
            use_tls=endpoint.implicit_tls,
            start_tls=False,
            tls_context=context,
            local_hostname=local_hostname,
            timeout=None,
        )
        progress.step = Step.CONNECT
        try:
            await client.connect()
            await client.ehlo()
            if endpoint.starttls_required or (
                not endpoint.implicit_tls and client.supports_extension("starttls")
            ):
                progress.step = Step.TLS
                await client.starttls()
                await client.ehlo()
            if endpoint.username is not None:
                progress.step = Step.AUTH
                await client.login(endpoint.username, endpoint.password)
        except BaseException:
            _abort(client)
            raise
        if client.transport is None:
            raise SMTPServerDisconnected("closed by the server after the greeting")
        return cls(
            SmtpReplies(cast(asyncio.Transport, client.transport)),
            frozenset(client.esmtp_extensions),
        )

    @property
    def usable(self) -> bool:
        """Not known to be closed. The server may have closed it all the same."""
        return self._replies.usable

    async def send(self, mail: Mail, progress: DeliveryProgress) -> Delivery:
        """One mail transaction. Raises ConnectionLostError while the message has not left;
        SMTPException otherwise."""
        progress.step = Step.ENVELOPE
        if mail.utf8 and "smtputf8" not in self._extensions:
            return Delivery(Outcome.REJECTED, "smtp_utf8_unsupported")
        try:
            refused = await self._announce(mail)
        except SMTPException as error:
            raise ConnectionLostError from error
        return refused or await self._send_body(mail, progress)

    def abort(self) -> None:
        """Drops the connection at once: nothing more of what was written may leave."""
        self._replies.abort()

    def quit(self) -> None:
        """Says goodbye without waiting for the answer."""
        self._replies.quit()

    async def _announce(self, mail: Mail) -> Delivery | None:
        """Everything before the body: None when the server waits for it, or the refusal.

        In one write where the server allows it. That DATA is among it commits to nothing: the body
        waits for all of the replies.
        """
        commands = [
            *([_RSET] if self._transaction_open else []),
            _Command(
                b"MAIL FROM:<%b>%b\r\n" % (mail.sender.encode(), self._options(mail)),
                SmtpStage.SENDER,
            ),
            _Command(b"RCPT TO:<%b>\r\n" % mail.recipient.encode(), SmtpStage.RECIPIENT),
            _DATA,
        ]
        self._transaction_open = True
        for group in (
            [commands] if "pipelining" in self._extensions else [[command] for command in commands]
        ):
            replies = await self._replies.exchange(
                b"".join(command.written for command in group), len(group)
            )
            refused = _first_refusal(group, replies)
            if refused is not None:
                if replies[-1].code == _START_INPUT:
                    # It takes data for nobody: none, then (RFC 2920 section 3.1).
                    await self._replies.exchange(_END_OF_DATA, 1)
                return refused
        return None

    def _options(self, mail: Mail) -> bytes:
        size = b" SIZE=%d" % len(mail.content) if "size" in self._extensions else b""
        return size + b" SMTPUTF8" if mail.utf8 else size

    async def _send_body(self, mail: Mail, progress: DeliveryProgress) -> Delivery:
        if not self._replies.usable:
            raise ConnectionLostError
        progress.step = Step.BODY
        replies = await self._replies.exchange(
            _with_periods_doubled(mail.content) + _END_OF_DATA, 1
        )
        if not replies:
            raise SMTPServerDisconnected("the connection was lost")
        self._transaction_open = False
        return _answered(replies[0])


def _with_periods_doubled(content: bytes) -> bytes:
    """Those that begin a line, RFC 5321 section 4.5.2. Few mails have one."""
    return (
        _LEADING_PERIOD.sub(b"..", content)
        if content.startswith(b".") or b"\n." in content
        else content
    )


def _first_refusal(
    commands: Sequence[_Command], replies: Sequence[SMTPResponse]
) -> Delivery | None:
    """What the first of the commands that was refused means. Raises ConnectionLostError if the
    server closes, or no longer answers."""
    for command, reply in zip(commands, replies, strict=False):
        if reply.code == CLOSING or (command is _RSET and reply.code not in command.expected):
            raise ConnectionLostError from SMTPResponseException(reply.code, reply.message)
        if reply.code not in command.expected:
            return refusal(reply.code, reply.message, command.stage)
    if len(replies) < len(commands):
        raise ConnectionLostError
    return None


def _answered(response: SMTPResponse) -> Delivery:
    """The reply to the end of the body, which says who has the message."""
    if 200 <= response.code <= 299:
        queued = _QUEUED_AS.search(response.message)
        return Delivery(Outcome.ACCEPTED, provider_message_id=queued.group(1) if queued else None)
    if 400 <= response.code <= 599:
        return refusal(response.code, response.message, SmtpStage.CONTENT)
    return Delivery(Outcome.AMBIGUOUS, "smtp_protocol_error")


def _abort(client: SMTP) -> None:
    if client.transport is not None:
        cast(asyncio.WriteTransport, client.transport).abort()
    client.close()
