"""Delivers messages over HTTP: one POST with one JSON document for each, to a gateway of ours or a
provider's adapter. docs/providers.md has the contract."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import cast

import httpx

from server.channels.provider import OWN_SHARE, Delivery, Envelope, Outcome
from server.channels.webhook.answer import delivery_for
from server.domain.clock import Clock, SystemClock
from server.domain.delivery.retry import ErrorClass

_MAX_CONCURRENCY = 20
_TIMEOUT = 20.0
_PHASE = 0.25
"""The part of the timeout within which there must be a TCP connection, then TLS on it, and within
which the request must go on leaving."""
_IDLE_SECONDS = 1.0
"""How long an unused connection is kept. Servers close theirs without a warning, after 2 seconds
(gunicorn), 5 (Node, uvicorn) or more, and a request that crosses with that is in doubt; so ours is
gone before. Under load connections are never idle for so long."""
_LARGEST_ANSWER = 64 * 1024
"""Octets of a body that are read. The status has decided before; the body only has the gateway's
id."""


class _Body(httpx.AsyncByteStream):
    """The document, as the connection asks for it: after it is open and the head of the request is
    written."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.left = False
        """Whether any of it may have left. Until then nobody can have delivered anything."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.left = True
        yield self.content

    def failed(self, reason: str) -> Delivery:
        """What it means that no answer came."""
        return (
            Delivery(Outcome.AMBIGUOUS, reason)
            if self.left
            else Delivery(Outcome.REJECTED, reason, ErrorClass.UNREACHABLE)
        )


class WebhookProvider:
    """Delivers the messages of one channel to the gateway at a URL.

    Whether a message may have left is decided by exactly one thing, whether the connection has
    asked for the body's first byte. Nothing is sent twice here, and no redirect is followed."""

    def __init__(
        self,
        url: str,
        channel: str,
        *,
        token: str = "",
        key_window: timedelta = timedelta(0),
        max_concurrency: int = _MAX_CONCURRENCY,
        timeout: float = _TIMEOUT,
        idle_seconds: float = _IDLE_SECONDS,
        tls_context: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`url` and `token` as settings allow them; without a `token` none is sent. `key_window` is
        how long the gateway remembers an `Idempotency-Key`. `max_concurrency` is also the most
        connections at once."""
        self.name = f"{channel}_webhook"
        self.max_concurrency = max_concurrency
        self.timeout = timeout
        self.key_window = key_window
        self._url = httpx.URL(url)
        self._headers = {
            "Host": self._url.netloc.decode("ascii"),
            "User-Agent": "carillon",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        self._limits = {
            "connect": timeout * _PHASE,
            "write": timeout * _PHASE,
            "read": timeout,
            "pool": timeout,
        }
        self._clock = clock or SystemClock()
        # Not httpx.Client, which keeps cookies, reads proxies and passwords from the environment,
        # and logs what the gateway says.
        self._transport = httpx.AsyncHTTPTransport(
            verify=tls_context or ssl.create_default_context(),
            limits=httpx.Limits(
                max_connections=max_concurrency,
                max_keepalive_connections=max_concurrency,
                keepalive_expiry=idle_seconds,
            ),
        )

    async def start(self) -> None:
        """Nothing to do: connections are made as they are needed."""

    async def deliver(self, envelope: Envelope) -> Delivery:
        try:
            body = _Body(_document(envelope))
        except UnicodeEncodeError:
            return Delivery(Outcome.REJECTED, "invalid_content")
        deadline = asyncio.get_running_loop().time() + self.timeout * OWN_SHARE
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._transport.handle_async_request(
                    self._request(envelope.message_id, body)
                )
        except (TimeoutError, httpx.TimeoutException):
            return body.failed("http_timeout")
        except (httpx.HTTPError, OSError) as error:
            return body.failed("http_answer_lost" if body.left else _unreachable(error))
        answer = await _read(response, deadline)
        return delivery_for(response.status_code, response.headers, answer, self._clock.now())

    async def close(self) -> None:
        await self._transport.aclose()

    def _request(self, message_id: str, body: _Body) -> httpx.Request:
        headers = {
            **self._headers,
            "Content-Length": str(len(body.content)),
            "Idempotency-Key": message_id,
        }
        return httpx.Request(
            "POST", self._url, headers=headers, stream=body, extensions={"timeout": self._limits}
        )


def _document(envelope: Envelope) -> bytes:
    """Raises UnicodeEncodeError for text that is none."""
    document = {
        "message_id": envelope.message_id,
        "brand_id": envelope.brand_id,
        "channel": envelope.channel,
        "recipient": envelope.address,
        "subject": envelope.subject,
        "text": envelope.body,
        "html": envelope.html,
        "unsubscribe_url": envelope.unsubscribe_url,
        "action_url": envelope.action_url,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


async def _read(response: httpx.Response, deadline: float) -> bytes | None:
    """The body, or None if it is too large or does not come to its end in time: then its connection
    is closed."""
    found = bytearray()
    try:
        async with (
            asyncio.timeout_at(deadline),
            aclosing(cast(AsyncGenerator[bytes], response.aiter_raw())) as parts,
        ):
            async for part in parts:
                found += part
                if len(found) > _LARGEST_ANSWER:
                    return None
    except (TimeoutError, httpx.HTTPError, OSError):
        return None
    finally:
        await response.aclose()
    return bytes(found)


def _unreachable(error: Exception) -> str:
    """Where a call failed that had not begun to send its body."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return "http_dns_failed"
        if isinstance(cause, ssl.SSLError):
            return "http_tls_failed"
        cause = cause.__cause__ or cause.__context__
    return "http_connect_failed"
