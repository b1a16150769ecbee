"""JWTs of an issuer: which are good, which only look so, and what becomes of them while the issuer
rotates its keys or is away."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.config import ConfigError, Settings
from server.domain.access import Principal
from server.domain.errors import IdentityUnavailable, Unauthenticated
from server.identity.build import token_verifier
from server.identity.claims import ClaimMapping
from server.identity.http import LARGEST_ANSWER, IdentityClient
from server.identity.issuer import IssuedTokens
from server.identity.key_sets import KeySet
from server.identity.signing_keys import SigningKeys
from server.identity.tokens import Tokens
from server.identity.verifier import TokenVerifier
from tests.support.channels.http_gateway import Behaviour, answer, close_at_head, hang, reset
from tests.support.clocks import ManualClock
from tests.support.identity import (
    AUDIENCE,
    ISSUER,
    IdentityService,
    PrivateKey,
    new_key,
    public_jwk,
)

ALGORITHMS = ("RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA")


def issued(
    service: IdentityService,
    client: IdentityClient,
    clock: ManualClock,
    mapping: ClaimMapping | None = None,
) -> TokenVerifier:
    keys = KeySet(lambda: client.get(f"{service.origin}/keys"), clock)
    source = IssuedTokens(keys, ISSUER, AUDIENCE, mapping or ClaimMapping())
    return TokenVerifier([source], clock)


async def refused(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        await verifier.verify(token)
    return refusal.value.message


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_token_of_the_issuer_is_good_in_every_asymmetric_algorithm(
    service: IdentityService, client: IdentityClient, clock: ManualClock, algorithm: str
) -> None:
    service.rotate("mine", algorithm)
    assert await issued(service, client, clock).verify(service.token()) == Principal(
        "ann", frozenset({"acme"}), frozenset({"read:messages"}), is_person=True, issuer=ISSUER
    )


@pytest.mark.parametrize(
    ("claims", "mapping", "expected"),
    [
        ({"scope": ["a", "b"]}, {}, {"scopes": {"a", "b"}}),
        ({"scope": None, "brands": None}, {}, {"scopes": set(), "brands": set()}),
        ({"brands": "acme"}, {}, {"brands": {"acme"}}),
        ({"uid": "u-1"}, {"subject": "uid"}, {"subject": "u-1"}),
        ({"app": {"b": ["x", "y"]}}, {"brands": "app.b"}, {"brands": {"x", "y"}}),
        ({"https://a.b/c": ["x"]}, {"brands": "https://a.b/c"}, {"brands": {"x"}}),
        ({"typ": "service"}, {"service": ("typ", "service")}, {"is_person": False}),
        ({"typ": "user"}, {"service": ("typ", "service")}, {"is_person": True}),
        ({}, {"service": ("typ", "service")}, {"is_person": True}),
        ({"r": {"roles": ["x", "svc"]}}, {"service": ("r.roles", "svc")}, {"is_person": False}),
        ({"machine": True}, {"service": ("machine", "true")}, {"is_person": False}),
    ],
)
async def test_which_claims_say_what_is_a_matter_of_settings(
    service: IdentityService, client: IdentityClient, clock: ManualClock,
    claims: dict[str, Any], mapping: dict[str, Any], expected: dict[str, Any],
) -> None:  # fmt: skip
    found = await issued(service, client, clock, ClaimMapping(**mapping)).verify(
        service.token(**claims)
    )
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "another"}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"aud": []},
        {"exp": None}, {"exp": "soon"}, {"exp": True}, {"exp": float("inf")}, {"exp": [1]},
        {"exp": 1}, {"nbf": 9e9}, {"nbf": "x"}, {"nbf": None, "sub": None}, {"sub": 7}, {"sub": ""},
        {"sub": "a\nb"}, {"sub": "x" * 201}, {"jti": "a\x00"}, {"brands": ["a\n"]},
        {"brands": [7]}, {"brands": {"a": 1}}, {"scope": 7}, {"scope": [7]}, {"scope": {"a": 1}},
    ],
)  # fmt: skip
async def test_a_token_whose_issuer_says_something_else_is_refused(
    service: IdentityService, client: IdentityClient, clock: ManualClock, changed: dict[str, Any]
) -> None:
    verifier = issued(service, client, clock)
    await verifier.verify(service.token())
    await refused(verifier, service.token(**changed))


async def test_a_token_expires_by_our_clock(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    verifier, token = issued(service, client, clock), service.token()
    await verifier.verify(token)
    clock.advance(3600 + 30.001)
    assert verifier.known(token) is None
    assert await refused(verifier, token) == "the token has expired"


def forged(service: IdentityService, key: Any, algorithm: str, **header: Any) -> str:
    return jwt.encode(service.claims(), key, algorithm, headers={"kid": "k1", **header})


async def test_tokens_that_only_look_like_the_issuers_are_refused(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    rsa = new_key("RS256")
    jwk = public_jwk(rsa, "k1")
    service.key_set = [jwk]
    pem = rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, signature = forged(service, rsa, "RS256").split(".")
    none = base64.urlsafe_b64encode(b'{"alg": "none", "kid": "k1"}').decode().rstrip("=")
    other = jwt.encode(service.claims(sub="root"), rsa, "RS256").split(".")[1]
    verifier = issued(service, client, clock)
    for name, token in {
        "no signature": f"{head}.{body}.",
        "algorithm none": f"{none}.{body}.",
        "another body": f"{head}.{other}.{signature}",
        "HMAC with the public key": hmac_of(service, pem),
        "HMAC with the key set": hmac_of(service, json.dumps(jwk).encode()),
        "another key under its name": forged(service, new_key("RS256"), "RS256"),
        "a key of its own in the header": forged(
            service, new_key("RS256"), "RS256", jwk=public_jwk(rsa, "k1")
        ),
        "another kind of key": forged(service, new_key("EdDSA"), "EdDSA"),
    }.items():
        assert await refused(verifier, token), name
    assert (await verifier.verify(f"{head}.{body}.{signature}")).subject == "ann"


def hmac_of(service: IdentityService, secret: bytes) -> str:
    """PyJWT refuses to sign with what is a key of another kind, so this signs by hand."""
    parts = ({"alg": "HS256", "kid": "k1"}, service.claims())
    signed = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    mac = base64.urlsafe_b64encode(algorithm.sign(signed.encode(), secret)).decode().rstrip("=")
    return f"{signed}.{mac}"


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_keys_that_no_token_may_be_verified_by_are_left_out_of_a_set(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    good, short = new_key("RS256"), new_key("RS256", 1024)
    secret = {"kty": "oct", "k": base64.urlsafe_b64encode(b"x" * 32).decode(), "kid": "k1"}
    unusable: list[tuple[dict[str, Any], str, Any]] = [
        (secret, "HS256", b"x" * 32),
        ({**secret, "alg": "HS256"}, "HS256", b"x" * 32),
        (public_jwk(short, "k1"), "RS256", short),
        (public_jwk(good, "k1", use="enc"), "RS256", good),
        (public_jwk(good, "k1", alg="RS512"), "RS256", good),
        (public_jwk(good, "k1", alg="HS256"), "RS256", good),
        (public_jwk(good, "k1", d="AQAB"), "RS256", good),
        ({**public_jwk(good, "k1"), "n": "AA"}, "RS256", good),
        ({**public_jwk(good, "k1"), "kty": ["RSA"]}, "RS256", good),
    ]
    for jwk, algorithm, key in unusable:
        service.key_set = [jwk, public_jwk(good, "other")]
        await refused(issued(service, client, clock), forged(service, key, algorithm))


async def test_a_token_that_names_no_key_is_of_the_only_one(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    key: PrivateKey = new_key("ES256")
    service.key_set = [public_jwk(key, None)]
    token = jwt.encode(service.claims(), key, "ES256")
    assert (await issued(service, client, clock).verify(token)).subject == "ann"
    service.rotate("k2")
    await refused(issued(service, client, clock), token)


async def test_a_rotated_key_is_looked_for_and_made_up_ones_at_a_limited_rate(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    verifier = issued(service, client, clock)
    await verifier.verify(service.token())
    service.rotate("k2")
    for _ in range(20):
        await refused(verifier, service.token())
    assert service.asked == ["/keys"]
    clock.advance(10)
    assert (await verifier.verify(service.token())).subject == "ann"
    for number in range(20):
        await refused(verifier, forged(service, new_key("EdDSA"), "EdDSA", kid=f"made-up-{number}"))
    assert service.asked == ["/keys"] * 2


async def test_a_withdrawn_key_is_noticed_when_the_set_is_five_minutes_old(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    verifier, old = issued(service, client, clock), service.token()
    await verifier.verify(old)
    service.rotate("k2", keep=False)
    clock.advance(299)
    await verifier.verify(old)
    clock.advance(21)
    await verifier.verify(old)  # starts the look, and does not wait for it
    clock.advance(20)
    await verifier.verify(service.token("k2"))
    await refused(verifier, old)
    assert service.asked == ["/keys"] * 3


AWAY: dict[str, Behaviour] = {
    "resets": reset,
    "closes": close_at_head,
    "is late": hang,
    "fails": answer(500),
    "is empty": answer(200, b""),
    "is a page": answer(200, b"<html>"),
    "is another document": answer(200, b"[]"),
    "has no keys": answer(200, b'{"keys": []}'),
    "has keys of text": answer(200, b'{"keys": ["a"]}'),
    "is elsewhere": answer(302, b"", location="/keys"),
    "never ends": answer(200, b" " * (LARGEST_ANSWER + 1)),
    "is deep": answer(200, b"[" * 100_000),
}


@pytest.mark.parametrize("away", AWAY)
async def test_an_issuer_that_is_away_or_talks_nonsense_is_done_without(
    service: IdentityService, hasty: IdentityClient, client: IdentityClient, clock: ManualClock,
    away: str,
) -> None:  # fmt: skip
    verifier = issued(service, hasty if away == "is late" else client, clock)
    service.answers(AWAY[away])
    # Nothing is cached: nobody can say whose the token is.
    with pytest.raises(IdentityUnavailable):
        await verifier.verify(service.token())
    clock.advance(10)
    assert (await verifier.verify(service.token())).subject == "ann"
    # What is cached stays good, however old it grows; only what is new cannot be judged.
    clock.advance(400)
    service.answers(AWAY[away])
    other = service.token()
    assert (await verifier.verify(other)).subject == "ann"
    service.rotate("k2")
    clock.advance(10)
    with pytest.raises(IdentityUnavailable):
        await verifier.verify(service.token())
    clock.advance(10)
    assert (await verifier.verify(service.token())).subject == "ann"
    service.gateway.release.set()


async def test_tokens_at_the_same_time_wait_for_one_look(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    verifier = issued(service, client, clock)
    tokens = [service.token(sub=f"person-{number}") for number in range(20)]
    found = await asyncio.gather(*map(verifier.verify, tokens))
    assert [each.subject for each in found] == [f"person-{number}" for number in range(20)]
    assert service.asked == ["/keys"]


def from_file(path: Path, client: IdentityClient, clock: ManualClock) -> TokenVerifier:
    settings = Settings(jwks_file=str(path), jwt_issuer=ISSUER, jwt_audience=AUDIENCE)
    own = Tokens(SigningKeys([]), clock)
    return token_verifier(settings, own, client, clock, never)


async def never(token_id: str) -> bool:
    return False


async def test_keys_of_a_file_are_read_again_when_it_is_replaced(
    service: IdentityService, client: IdentityClient, clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": service.key_set}))
    verifier = from_file(file, client, clock)
    await verifier.verify(service.token())
    service.rotate("k2", "RS256")
    file.write_text(json.dumps({"keys": service.key_set}))
    clock.advance(10)
    assert (await verifier.verify(service.token())).subject == "ann"


@pytest.mark.parametrize("content", [None, "", "{}", '{"keys": []}', '{"keys": [{"kty": "oct"}]}'])
def test_a_file_without_keys_is_refused_at_the_start(
    tmp_path: Path, client: IdentityClient, clock: ManualClock, content: str | None
) -> None:
    file = tmp_path / "jwks.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=r"^CARILLON_JWKS_FILE: .*jwks\.json "):
        from_file(file, client, clock)
