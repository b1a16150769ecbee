"""A real identity service on loopback: has keys under one path, tells what tokens are under
another, and can be told how to fail."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from server.domain.clock import Clock
from tests.support.channels.http_gateway import Behaviour, Exchange, HttpGateway, response

ISSUER, AUDIENCE = "https://id.example", "carillon-1"
CLIENT = ("carillon client", "s3cret:%/")
"""Id and secret, with what a careless client would not encode."""
PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
_CURVES: dict[str, type[SECP256R1 | SECP384R1 | SECP521R1]] = {
    "ES256": SECP256R1,
    "ES384": SECP384R1,
    "ES512": SECP521R1,
}


def new_key(algorithm: str, bits: int = 2048) -> PrivateKey:
    """A key that the algorithm can sign with."""
    if algorithm == "EdDSA":
        return Ed25519PrivateKey.generate()
    if algorithm in _CURVES:
        return generate_private_key(_CURVES[algorithm]())
    return generate_rsa(65537, bits)


def public_jwk(key: PrivateKey, kid: str | None, **more: Any) -> dict[str, Any]:
    """The public half as a key set has it."""
    public: Any = key.public_key()
    algorithm: Any = (
        OKPAlgorithm
        if isinstance(key, Ed25519PrivateKey)
        else RSAAlgorithm
        if isinstance(key, RSAPrivateKey)
        else ECAlgorithm
    )
    document = algorithm.to_jwk(public, as_dict=True)
    return {**document, **({} if kid is None else {"kid": kid}), **more}


class IdentityService:
    """Answers what is right, unless it is told otherwise."""

    def __init__(self, clock: Clock) -> None:
        self.gateway = HttpGateway()
        self.gateway.otherwise = self._behave
        self.key_set: list[dict[str, Any]] = []
        self.known: dict[str, dict[str, Any]] = {}
        """What it says of tokens; of all others, that they are not active."""
        self.held: asyncio.Event | None = None
        """What it waits for before it says that it does not know a token."""
        self.asked: list[str] = []
        """Paths, in order."""
        self._clock = clock
        self._keys: dict[str, tuple[PrivateKey, str]] = {}

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    def settings(self) -> dict[str, Any]:
        """Those of a service that takes its tokens of both kinds."""
        return {
            "jwks_url": f"{self.origin}/keys",
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
            "introspection_url": f"{self.origin}/introspect",
            "introspection_client_id": CLIENT[0],
            "introspection_client_secret": CLIENT[1],
            "service_claim": "typ=service",
        }

    async def start(self) -> None:
        await self.gateway.start()

    async def stop(self) -> None:
        await self.gateway.stop()

    def answers(self, *behaviours: Behaviour) -> None:
        """How it answers the next requests."""
        self.gateway.script.extend(behaviours)

    def rotate(self, kid: str, algorithm: str = "EdDSA", *, keep: bool = True) -> None:
        """Signs with a new key from now on; the old ones stay in the set if it `keep`s them."""
        key = new_key(algorithm)
        self._keys[kid] = key, algorithm
        self.key_set = [*(self.key_set if keep else []), public_jwk(key, kid)]

    def token(self, kid: str | None = None, **claims: Any) -> str:
        """A JWT by the newest key, or another; a claim of None is left out."""
        name = list(self._keys)[-1] if kid is None else kid
        key, algorithm = self._keys[name]
        return jwt.encode(self.claims(**claims), key, algorithm, headers={"kid": name})

    def claims(self, **more: Any) -> dict[str, Any]:
        now = int(self._clock.now().timestamp())
        good = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "brands": ["acme"],
            "scope": "read:messages", "iat": now, "exp": now + 3600,
        }  # fmt: skip
        return {name: value for name, value in (good | more).items() if value is not None}

    async def _behave(self, exchange: Exchange) -> None:
        await exchange.take()
        path = exchange.line.split(" ")[1]
        self.asked.append(path)
        if path == "/keys":
            document: dict[str, Any] = {"keys": self.key_set}
        else:
            body = self.gateway.received[-1].body.decode()
            assert _credentials(exchange) == CLIENT
            token = parse_qs(body)["token"][0]
            if self.held is not None and token not in self.known:
                await self.held.wait()
            document = self.known.get(token, {"active": False})
        await exchange.say(response(200, json.dumps(document).encode()))


def _credentials(exchange: Exchange) -> tuple[str, str]:
    """As OAuth has them: form-encoded, then Basic."""
    scheme, _, encoded = exchange.headers["authorization"].partition(" ")
    assert scheme == "Basic"
    user, _, password = base64.b64decode(encoded).decode().partition(":")
    decoded = parse_qs(f"user={user}&password={password}")
    return decoded["user"][0], decoded["password"][0]
