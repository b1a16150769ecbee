"""Delivers email over SMTP, to one mail server, over a few connections that are kept."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import timedelta

from aiosmtplib import SMTPException, SMTPResponseException

from server.channels.email.connection import (
    ConnectionLostError,
    DeliveryProgress,
    SmtpConnection,
    Step,
)
from server.channels.email.endpoint import SmtpEndpoint
from server.channels.email.message import Mail, Sender, UnsendableError, build_mail
from server.channels.email.pool import IdleConnections
from server.channels.email.refusals import SmtpStage, refusal
from server.channels.provider import OWN_SHARE, Delivery, Envelope, Outcome
from server.domain.delivery.retry import ErrorClass

_TIMEOUT = 20.0
_IDLE_SECONDS = 30.0


class SmtpProvider:
    """Delivers to the mail server of `smtp_url`. SMTP has no idempotency: a lost answer to the body
    stays ambiguous."""

    def __init__(
        self,
        smtp_url: str,
        mail_from: str,
        *,
        max_concurrency: int,
        timeout: float = _TIMEOUT,
        idle_seconds: float = _IDLE_SECONDS,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """`max_concurrency` is also the most connections at once. Raises ValueError for a URL or
        sender that cannot work."""
        self.name = "smtp"
        self.max_concurrency = max_concurrency
        self.timeout = timeout
        self.key_window = timedelta(0)
        self._endpoint = SmtpEndpoint.parse(smtp_url)
        self._sender = Sender.parse(mail_from)
        self._context = tls_context or ssl.create_default_context()
        self._in_use = asyncio.Semaphore(max_concurrency)
        self._idle = IdleConnections(idle_seconds)
        self._local_hostname = "localhost"

    async def start(self) -> None:
        # What EHLO says; looking it up can take a while.
        self._local_hostname = await asyncio.to_thread(socket.getfqdn)

    async def deliver(self, envelope: Envelope) -> Delivery:
        try:
            mail = build_mail(envelope, self._sender)
        except UnsendableError as error:
            return Delivery(Outcome.REJECTED, error.reason)
        progress = DeliveryProgress()
        try:
            async with asyncio.timeout(self.timeout * OWN_SHARE), self._in_use:
                return await self._send(mail, progress)
        except TimeoutError:
            return progress.failed("smtp_timeout")
        except (SMTPException, OSError, ConnectionLostError) as error:
            return _busy(error) or progress.failed(_reason(error))

    async def close(self) -> None:
        self._idle.close()

    async def _send(self, mail: Mail, progress: DeliveryProgress) -> Delivery:
        kept = self._idle.take()
        if kept is not None:
            try:
                return await self._send_over(kept, mail, progress)
            except ConnectionLostError:
                # The server closed it meanwhile. Nothing has left, so a new one may try.
                progress.step = Step.CONNECT
        fresh = await SmtpConnection.open(
            self._endpoint, self._context, self._local_hostname, progress
        )
        return await self._send_over(fresh, mail, progress)

    async def _send_over(
        self, connection: SmtpConnection, mail: Mail, progress: DeliveryProgress
    ) -> Delivery:
        try:
            delivery = await connection.send(mail, progress)
        except BaseException:
            connection.abort()
            raise
        if delivery.outcome is Outcome.AMBIGUOUS:
            connection.abort()
        else:
            self._idle.put_back(connection)
        return delivery


def _busy(error: Exception) -> Delivery | None:
    """What a server that turned us away before the message left said of its load, if it did: a
    greeting or answer of 421, or 4.7.x."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SMTPResponseException):
            refused = refusal(cause.code, cause.message, SmtpStage.SENDER)
            return refused if refused.error_class is ErrorClass.THROTTLED else None
        cause = cause.__cause__
    return None


def _reason(error: Exception) -> str | None:
    """A sharper reason than the step gives, where the error has one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return "smtp_dns_failed"
        if isinstance(cause, ssl.SSLError):
            return "smtp_tls_failed"
        cause = cause.__cause__
    return None
