"""Delivers messages to browsers: each encrypted for one, with one POST to its push service.
docs/push.md says what a page gets."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Protocol, cast
from urllib.parse import urlsplit

import httpcore
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.channels.provider import OWN_SHARE, Delivery, Envelope, Outcome
from server.channels.webpush.answer import delivery_for, ends_subscription
from server.channels.webpush.authorization import authorization
from server.channels.webpush.encryption import LARGEST_TEXT, encrypt
from server.channels.webpush.hosts import Hosts
from server.channels.webpush.public_hosts import NotPublic, PublicHosts
from server.domain.clock import Clock, SystemClock
from server.domain.contacts.push_subscriptions import decode, encode
from server.domain.delivery.circuit_breaker import CircuitBreaker
from server.domain.delivery.retry import ErrorClass
from storage.model.push_subscriptions import PushSubscription

_MAX_CONCURRENCY = 20
_TIMEOUT = 20.0
_PHASE = 0.25
"""The part of the timeout within which there must be a TCP connection, then TLS on it."""
_PATIENCE = 1.0
_IDLE_SECONDS = 1.0
"""How long an unused connection is kept: as for gateways."""
_FINISH_SECONDS = 1.0
_LARGEST_ANSWER = 64 * 1024
"""Octets of an answer that are read."""
_BROKEN = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    OSError,
)
TTL_SECONDS = 24 * 3600
"""How long a push service keeps a message for a browser that is not there."""


class SubscriptionsUnavailable(Exception):
    """Subscriptions cannot be read now."""


class Subscriptions(Protocol):
    """The browsers that are registered."""

    async def find(self, subscription_id: str) -> PushSubscription | None:
        """The subscription, or None. Raises SubscriptionsUnavailable."""

    async def end(self, subscription: PushSubscription, reason: str) -> None:
        """Ends one that its push service does not know any more."""


class _Body:
    """The encrypted message, as the connection asks for it: after it is open and the head of the
    request is written."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.left = False
        """Whether any of it may have left. Until then nobody can have delivered anything."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.left = True
        yield self._content


class WebPushProvider:
    """Delivers messages whose address is the id of a push subscription.

    Whether a message may have left is decided by exactly one thing, whether the connection has
    asked for the body. Nothing is sent twice here, and no redirect is followed."""

    name = "web_push"
    key_window = timedelta(0)
    """Push services know no idempotency keys."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        key: EllipticCurvePrivateKey,
        contact: str,
        *,
        hosts: PublicHosts | None = None,
        tls_context: ssl.SSLContext | None = None,
        timeout: float = _TIMEOUT,
        patience: float = _PATIENCE,
        clock: Clock | None = None,
    ) -> None:
        """`contact` is a `mailto:` or `https:` URI for the operators of push services; `patience`
        is for `Hosts`."""
        self.max_concurrency = _MAX_CONCURRENCY
        self.timeout = timeout
        self._subscriptions = subscriptions
        self._key = key
        self._public_key = encode(
            key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        )
        self._contact = contact
        self._hosts = Hosts(_MAX_CONCURRENCY, patience)
        self._clock = clock or SystemClock()
        self._limits = {
            "connect": timeout * _PHASE,
            "write": timeout * _PHASE,
            "read": timeout,
            "pool": timeout,
        }
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls_context or ssl.create_default_context(),
            max_connections=_MAX_CONCURRENCY,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=hosts or PublicHosts(),
        )

    async def start(self) -> None:
        """Nothing to do: connections are made as they are needed."""

    async def deliver(self, envelope: Envelope) -> Delivery:
        try:
            subscription = await self._subscriptions.find(envelope.address)
        except SubscriptionsUnavailable:
            return Delivery(
                Outcome.REJECTED, "push_subscription_unavailable", ErrorClass.UNREACHABLE
            )
        if subscription is None or subscription.brand_id != envelope.brand_id:
            return Delivery(Outcome.REJECTED, "push_subscription_ended")
        try:
            text = _document(envelope)
        except UnicodeEncodeError:
            return Delivery(Outcome.REJECTED, "invalid_content")
        if len(text) > LARGEST_TEXT:
            return Delivery(Outcome.REJECTED, "content_too_large")
        content = encrypt(text, decode(subscription.p256dh), decode(subscription.auth))
        status, delivery = await self._try(subscription, content)
        if ends_subscription(status):
            await self._subscriptions.end(subscription, f"http_{status}")
        return delivery

    async def close(self) -> None:
        await self._pool.aclose()

    async def _try(self, subscription: PushSubscription, content: bytes) -> tuple[int, Delivery]:
        """As `_post`, unless the push service is to be left alone, or there is no place for it."""
        end = asyncio.get_running_loop().time() + self.timeout * OWN_SHARE
        host = self._hosts.of(subscription.endpoint)
        async with self._hosts.place(host) as has_place:
            now = self._clock.now()
            if not has_place or not host.circuit.allows(1, now):
                return 0, _left_alone(host.circuit, now)
            call = host.circuit.begun(now)
            try:
                status, delivery = await self._post(subscription, content, end)
            except BaseException:
                host.circuit.withdrawn(call)
                raise
            silent = not status and delivery.error_class is not None
            host.circuit.ended(call, host.heard(silent=silent), None, self._clock.now())
            return status, delivery

    async def _post(
        self, subscription: PushSubscription, content: bytes, end: float
    ) -> tuple[int, Delivery]:
        """The status, 0 if no answer came until the end, and what it means."""
        body = _Body(content)
        try:
            async with asyncio.timeout_at(end):
                response = await self._pool.handle_async_request(
                    self._request(subscription.endpoint, content, body)
                )
        except NotPublic:
            return 0, Delivery(Outcome.REJECTED, "push_endpoint_not_public")
        except (TimeoutError, httpcore.TimeoutException):
            return 0, _failed(body, "http_timeout")
        except _BROKEN:
            return 0, _failed(body, "http_answer_lost" if body.left else "http_connect_failed")
        await self._finish(response)
        headers = {
            name.decode("ascii", "replace").lower(): value.decode("latin-1")
            for name, value in response.headers
        }
        return response.status, delivery_for(response.status, headers, self._clock.now())

    async def _finish(self, response: httpcore.Response) -> None:
        """Reads a short answer to its end, so that the connection can be used again. The status has
        said all: whatever becomes of the rest changes nothing."""
        read = 0
        try:
            async with (
                asyncio.timeout(_FINISH_SECONDS),
                aclosing(cast(AsyncGenerator[bytes], response.aiter_stream())) as parts,
            ):
                async for part in parts:
                    read += len(part)
                    if read > _LARGEST_ANSWER:
                        break
        except (TimeoutError, *_BROKEN):
            pass
        finally:
            await response.aclose()

    def _request(self, endpoint: str, content: bytes, body: _Body) -> httpcore.Request:
        signed = authorization(
            endpoint, self._key, self._public_key, self._contact, self._clock.now()
        )
        headers = {
            "Host": urlsplit(endpoint).netloc,
            "User-Agent": "carillon",
            "Authorization": signed,
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "Content-Length": str(len(content)),
            "TTL": str(TTL_SECONDS),
        }
        return httpcore.Request(
            "POST",
            endpoint,
            headers=list(headers.items()),
            content=body,
            extensions={"timeout": self._limits},
        )


def _left_alone(circuit: CircuitBreaker, now: datetime) -> Delivery:
    until = circuit.next_change(now)
    return Delivery(
        Outcome.REJECTED,
        "push_service_left_alone",
        ErrorClass.DEFERRED,
        retry_after=None if until is None else (until - now).total_seconds(),
    )


def _failed(body: _Body, reason: str) -> Delivery:
    """What it means that no answer came. It is the message that is deferred, not the provider."""
    return (
        Delivery(Outcome.AMBIGUOUS, reason)
        if body.left
        else Delivery(Outcome.REJECTED, reason, ErrorClass.DEFERRED)
    )


def _document(envelope: Envelope) -> bytes:
    """Raises UnicodeEncodeError for text that is none."""
    document = {
        "message_id": envelope.message_id,
        "title": envelope.subject,
        "body": envelope.body,
        "url": envelope.action_url,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
