"""Bearer tokens: what is accepted, for how long, and what is not."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)

from server.config import ConfigError
from server.domain.access import Principal
from server.domain.errors import Unauthenticated
from server.identity.claims import LEEWAY
from server.identity.signing_keys import SigningKeys, key_id
from server.identity.tokens import LIFETIME, Tokens
from tests.support.clocks import ManualClock

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tokens(clock: ManualClock) -> Tokens:
    return Tokens(SigningKeys([KEY]), clock)


def claims(clock: ManualClock, **more: Any) -> dict[str, Any]:
    """What a good token says, with changes; None leaves a claim out."""
    now = int(clock.now().timestamp())
    good = {
        "iss": "carillon",
        "aud": "carillon",
        "sub": "ann",
        "brands": ["acme"],
        "scope": "read:messages",
        "iat": now,
        "exp": now + 60,
    }
    return {name: value for name, value in (good | more).items() if value is not None}


def signed(
    document: dict[str, Any], key: Any = KEY, algorithm: str = "EdDSA", **header: Any
) -> str:
    return jwt.encode(document, key, algorithm=algorithm, headers=header or None)


def refused(tokens: Tokens, token: str) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        tokens.verify(token)
    assert refusal.value.reason == "unauthenticated"
    return refusal.value.message


def test_a_token_stands_for_what_it_was_made_for(tokens: Tokens) -> None:
    token = tokens.mint("ann", ["b", "a"], ["write:messages", "read:messages"])
    assert tokens.verify(token) == Principal(
        "ann", frozenset({"a", "b"}), frozenset({"read:messages", "write:messages"})
    )


def test_a_token_says_whether_it_is_a_persons_and_until_when_it_is_good(
    tokens: Tokens, clock: ManualClock
) -> None:
    person = tokens.verify(tokens.mint("ann", ["a"], [], timedelta(seconds=60), is_person=True))
    service = tokens.verify(tokens.mint("ann", ["a"], []))
    assert (person.is_person, service.is_person) == (True, False)
    assert person.expires_at == clock.now() + timedelta(seconds=60) + LEEWAY


@pytest.mark.parametrize("kind", ["robot", "", True, ["person"]])
def test_a_token_of_another_kind_is_refused(
    tokens: Tokens, clock: ManualClock, kind: object
) -> None:
    refused(tokens, signed(claims(clock, kind=kind)))


def test_a_token_without_brands_or_scopes_allows_nothing(
    tokens: Tokens, clock: ManualClock
) -> None:
    assert tokens.verify(signed(claims(clock, brands=None, scope=None))) == Principal(
        "ann", frozenset(), frozenset()
    )


def test_the_claims_are_those_of_the_standards(tokens: Tokens, clock: ManualClock) -> None:
    now = int(clock.now().timestamp())
    assert jwt.decode(
        tokens.mint("ann", ["b", "a"], ["y", "x"], token_id="7"),
        options={"verify_signature": False},
    ) == {
        "jti": "7",
        "iss": "carillon",
        "aud": "carillon",
        "sub": "ann",
        "brands": ["a", "b"],
        "scope": "x y",
        "iat": now,
        "exp": now + int(LIFETIME.total_seconds()),
    }


def test_a_token_expires_after_its_lifetime_and_leeway(tokens: Tokens, clock: ManualClock) -> None:
    token = tokens.mint("ann", ["acme"], [], timedelta(seconds=60))
    clock.advance(60 + LEEWAY.total_seconds())
    tokens.verify(token)
    clock.advance(0.001)
    assert refused(tokens, token) == "the token has expired"


def test_a_token_that_is_not_good_yet_is_refused(tokens: Tokens, clock: ManualClock) -> None:
    now = clock.now().timestamp()
    tokens.verify(signed(claims(clock, nbf=now + LEEWAY.total_seconds())))
    refused(tokens, signed(claims(clock, nbf=now + LEEWAY.total_seconds() + 1)))


def test_a_key_that_a_running_service_does_not_know_is_looked_for_at_a_limited_rate(
    clock: ManualClock,
) -> None:
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    there, looks = [old], []

    def look() -> list[Ed25519PrivateKey]:
        looks.append(clock.now())
        return list(there)

    tokens = Tokens(SigningKeys(there, look), clock)
    tokens.verify(tokens.mint("ann", [], []))
    there.append(new)
    token = Tokens(SigningKeys([new]), clock).mint("bob", [], [])
    for _ in range(5):
        refused(tokens, token)
    clock.advance(10)
    assert tokens.verify(token).subject == "bob"
    assert len(looks) == 2


def test_keys_that_cannot_be_read_any_more_leave_those_that_were(clock: ManualClock) -> None:
    def look() -> list[Ed25519PrivateKey]:
        raise ConfigError("gone")

    tokens = Tokens(SigningKeys([KEY], look), clock)
    assert tokens.verify(tokens.mint("ann", [], [])).subject == "ann"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "another"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": ["another"]},
        {"exp": None},
        {"exp": "soon"},
        {"exp": [1]},
        {"iat": None},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "ann\nacme"},
        {"sub": "ann\x00"},
        {"sub": "ann\x85"},
        {"sub": "\ud800"},
        {"jti": "a\tb"},
        {"jti": 7},
        {"brands": ["acme\n"]},
        {"brands": ["\x7f"]},
        {"brands": [""]},
        {"brands": "acme"},
        {"brands": [7]},
        {"scope": ["read:messages"]},
    ],
)
def test_a_token_that_says_something_else_is_refused(
    tokens: Tokens, clock: ManualClock, changed: dict[str, Any]
) -> None:
    tokens.verify(signed(claims(clock)))
    assert (
        refused(tokens, signed(claims(clock, **changed))) == "the token is not one of this service"
    )


def test_a_token_of_another_key_is_refused(tokens: Tokens, clock: ManualClock) -> None:
    refused(tokens, signed(claims(clock), Ed25519PrivateKey.generate()))
    other = Tokens(SigningKeys([Ed25519PrivateKey.generate()]), clock)
    refused(tokens, other.mint("ann", ["acme"], []))
    refused(tokens, signed(claims(clock), Ed25519PrivateKey.generate(), kid=key_id(KEY)))


@pytest.mark.parametrize("kid", ["", "../signing", 7, None, ["x"], {}])
def test_a_token_that_names_a_key_nobody_has_is_refused(
    tokens: Tokens, clock: ManualClock, kid: object
) -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "EdDSA", "kid": kid}).encode()).decode()
    _, body, signature = signed(claims(clock)).split(".")
    refused(tokens, f"{header.rstrip('=')}.{body}.{signature}")


def test_the_newest_key_signs_and_a_token_of_each_is_good(clock: ManualClock) -> None:
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    both = Tokens(SigningKeys([old, new]), clock)
    assert jwt.get_unverified_header(both.mint("ann", [], []))["kid"] == key_id(new)
    for token in (
        Tokens(SigningKeys([old]), clock).mint("ann", [], []),
        Tokens(SigningKeys([new]), clock).mint("ann", [], []),
        signed(claims(clock), old),
        signed(claims(clock), new),
    ):
        assert both.verify(token).subject == "ann"


def test_a_token_of_another_installation_is_refused_even_if_the_key_is_shared(
    clock: ManualClock,
) -> None:
    keys = SigningKeys([KEY])
    own = Tokens(keys, clock, "https://one.example", "one")
    own.verify(own.mint("ann", [], []))
    for others in (
        Tokens(keys, clock, "https://two.example", "one"),
        Tokens(keys, clock, "https://one.example", "two"),
    ):
        refused(own, others.mint("ann", [], []))


def test_a_token_without_a_signature_is_refused(tokens: Tokens, clock: ManualClock) -> None:
    for algorithm in ("none", "None", "NONE"):
        header = (
            base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
            .decode()
            .rstrip("=")
        )
        body = signed(claims(clock)).split(".")[1]
        refused(tokens, f"{header}.{body}.")
    refused(tokens, signed(claims(clock), None, "none"))


def test_a_token_of_another_algorithm_is_refused(tokens: Tokens, clock: ManualClock) -> None:
    public = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    refused(tokens, signed(claims(clock), public, "HS256"))
    refused(tokens, signed(claims(clock), generate_private_key(SECP256R1()), "ES256"))


def test_a_header_cannot_bring_its_own_key(tokens: Tokens, clock: ManualClock) -> None:
    other = Ed25519PrivateKey.generate()
    numbers = (
        base64.urlsafe_b64encode(other.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        .decode()
        .rstrip("=")
    )
    refused(
        tokens, signed(claims(clock), other, jwk={"kty": "OKP", "crv": "Ed25519", "x": numbers})
    )


def test_a_token_that_was_changed_is_refused(tokens: Tokens, clock: ManualClock) -> None:
    header, _, signature = signed(claims(clock)).split(".")
    other = signed(claims(clock, brands=["other"])).split(".")[1]
    refused(tokens, f"{header}.{other}.{signature}")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        "x" * 10_000,
        base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.AA",
    ],
)
def test_garbage_is_refused(tokens: Tokens, token: str) -> None:
    assert refused(tokens, token) == "the token is not one of this service"
