"""A real push service on loopback (RFC 8030, 8292): takes messages for browsers over TLS, refuses
those that no push service would take, and can be told how to answer."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from server.channels.webpush.public_hosts import PublicHosts
from server.domain.contacts.push_subscriptions import decode
from tests.support.channels.browser import Browser
from tests.support.channels.certificate import make_certificate
from tests.support.channels.http_gateway import (
    Behaviour,
    Exchange,
    HttpGateway,
    Received,
    response,
)

HOST = "push.example.net"
LARGEST_BODY = 4096
TAKEN = "/messages/1"
"""Where it says that a message is kept."""


async def loopback(host: str, port: int) -> list[str]:
    """Finds the push service under any name."""
    return ["127.0.0.1"]


class PushService:
    """Answers 201 to what is right, 400 or 403 to what is not, unless a script says otherwise."""

    def __init__(self, directory: Path) -> None:
        self.certificate = make_certificate(directory, HOST)
        self.gateway = HttpGateway()
        self.key: str | None = None
        """The public key that its browsers have subscribed with; None: any."""
        self._answers: dict[str, Behaviour] = {}
        """By path, where a browser is answered otherwise."""
        self.now: datetime | None = None
        """What its clock says; None: the time of the machine."""

    @property
    def origin(self) -> str:
        return f"https://{HOST}:{self.gateway.port}"

    def options(self) -> dict[str, Any]:
        """What a provider needs to reach it."""
        return {
            "hosts": PublicHosts(loopback, lambda address: address == "127.0.0.1"),
            "tls_context": self.certificate.for_trusting_client(),
        }

    async def start(self) -> None:
        self.gateway.otherwise = self._behave
        await self.gateway.start(tls=self.certificate.for_server())

    async def stop(self) -> None:
        await self.gateway.stop()

    def answers(self, *behaviours: Behaviour) -> None:
        """How it answers the next messages."""
        self.gateway.script.extend(behaviours)

    def answers_for(self, browser: Browser, behaviour: Behaviour) -> None:
        """How it answers every message for the browser."""
        self._answers[browser.path] = behaviour

    def read(self, browser: Browser) -> list[dict[str, Any]]:
        """What the browser was told, as its page reads it."""
        return [
            json.loads(browser.decrypt(each.body))
            for each in self.gateway.received
            if each.line.split()[1] == browser.path
        ]

    async def _behave(self, exchange: Exchange) -> None:
        behaviour = self._answers.get(exchange.line.split()[1])
        if behaviour is not None:
            await behaviour(exchange)
            return
        await exchange.take()
        status = self._judge(self.gateway.received[-1])
        if status == 201:
            await exchange.say(response(201, location=f"{self.origin}{TAKEN}"))
        else:
            await exchange.say(response(status))

    def _judge(self, received: Received) -> int:
        headers = received.headers
        if headers.get("content-encoding") != "aes128gcm" or not headers.get("ttl", "").isdigit():
            return 400
        if len(received.body) > LARGEST_BODY:
            return 413
        try:
            self._verify(headers.get("authorization", ""))
        except (jwt.PyJWTError, ValueError):
            return 403
        return 201

    def _verify(self, authorization: str) -> None:
        """Raises unless the header is a good one of RFC 8292 for this service."""
        scheme, _, rest = authorization.partition(" ")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        if scheme != "vapid" or (self.key is not None and fields["k"] != self.key):
            raise ValueError("not the sender that the browsers know")
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), decode(fields["k"]))
        claims = jwt.decode(
            fields["t"],
            key,
            algorithms=["ES256"],
            audience=self.origin,
            options={"require": ["aud", "exp", "sub"], "verify_exp": self.now is None},
        )
        if self.now is not None:
            left = claims["exp"] - self.now.timestamp()
            if not 0 < left <= timedelta(hours=24).total_seconds():
                raise ValueError("expired, or good for too long")
        if not claims["sub"].startswith(("mailto:", "https:")):
            raise ValueError("no contact")
