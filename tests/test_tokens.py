"""Bearer tokens: what is accepted, for how long, and what is not."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from server.config import ConfigError, Settings
from server.domain.access import Principal
from server.domain.errors import Unauthenticated
from server.runtime.tokens import (
    CACHED_TOKENS,
    LEEWAY,
    LIFETIME,
    Tokens,
    _create_key,
    fingerprint,
    load_or_create_key,
    signing_key,
)
from tests.support.clocks import ManualClock

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tokens(clock: ManualClock) -> Tokens:
    return Tokens(KEY, clock)


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


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_token_expires_after_its_lifetime_and_leeway(
    tokens: Tokens, clock: ManualClock, seen_before: bool
) -> None:
    token = tokens.mint("ann", ["acme"], [], timedelta(seconds=60))
    if seen_before:
        tokens.verify(token)
    clock.advance(60 + LEEWAY.total_seconds())
    tokens.verify(token)
    clock.advance(0.001)
    assert refused(tokens, token) == "the token has expired"
    assert refused(tokens, token) == "the token has expired"


def test_more_tokens_than_are_remembered_are_verified_all_the_same(
    tokens: Tokens, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CACHED_TOKENS > 3
    monkeypatch.setattr("server.runtime.tokens.CACHED_TOKENS", 3)
    made = [tokens.mint(f"person-{number}", ["acme"], []) for number in range(10)]
    for _ in range(2):
        assert [tokens.verify(token).subject for token in made] == [
            f"person-{number}" for number in range(10)
        ]
    clock.advance(LIFETIME.total_seconds() + LEEWAY.total_seconds() + 1)
    for token in made:
        refused(tokens, token)


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
    refused(tokens, Tokens(Ed25519PrivateKey.generate(), clock).mint("ann", ["acme"], []))


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


def test_a_refused_token_is_not_remembered_as_good(tokens: Tokens, clock: ManualClock) -> None:
    token = signed(claims(clock, iss="another"))
    refused(tokens, token)
    refused(tokens, token)


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = load_or_create_key(tmp_path)
    assert raw(load_or_create_key(tmp_path)) == raw(first)
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_start_that_comes_second_takes_the_key_of_the_first(tmp_path: Path) -> None:
    first = load_or_create_key(tmp_path)
    _create_key(tmp_path / "keys" / "signing.pem")
    assert raw(load_or_create_key(tmp_path)) == raw(first)
    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["signing.pem"]


async def test_first_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from server.runtime.tokens import load_or_create_key;"
        "from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat;"
        "sys.stdin.readline();"
        "key = load_or_create_key(pathlib.Path(sys.argv[1])).public_key()\n"
        "print(key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex())"
    )
    starts = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            str(tmp_path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]
    keys = {
        out for out, _ in await asyncio.gather(*(start.communicate(b"go\n") for start in starts))
    }
    assert len(keys) == 1
    assert keys == {raw(load_or_create_key(tmp_path)).hex().encode() + b"\n"}


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    pem = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (tmp_path / "keys" / "signing.pem").write_bytes(pem)
    with pytest.raises(TypeError, match="is not an Ed25519 private key"):
        load_or_create_key(tmp_path)


POSTGRES = "postgresql://db.example/carillon"


def pem_of(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("database_url", ["", POSTGRES])
@pytest.mark.parametrize("may_create", [False, True])
def test_a_key_file_that_is_named_is_the_key_and_none_is_made(
    tmp_path: Path, database_url: str, may_create: bool
) -> None:
    key, file = Ed25519PrivateKey.generate(), tmp_path / "shared.pem"
    file.write_bytes(pem_of(key))
    settings = Settings(
        data_dir=tmp_path / "data", database_url=database_url, signing_key_file=str(file)
    )
    assert raw(signing_key(settings, may_create=may_create)) == raw(key)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read: No such file"), (b"x", "is no Ed25519 private key")],
)
def test_a_key_file_that_cannot_be_used_is_refused_not_replaced(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "shared.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"^CARILLON_SIGNING_KEY_FILE: .*shared.pem {reason}"):
        signing_key(Settings(data_dir=tmp_path, signing_key_file=str(file)), may_create=True)
    assert (file.read_bytes() if file.exists() else None) == content


def test_a_replica_makes_no_key_of_its_own(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=POSTGRES)
    with pytest.raises(
        ConfigError,
        match=r"^CARILLON_SIGNING_KEY_FILE: there is no signing key here.* no /.*/keys/signing.pem",
    ):
        signing_key(settings, may_create=False)
    assert list(tmp_path.iterdir()) == []
    made = signing_key(settings, may_create=True)
    assert raw(signing_key(settings, may_create=False)) == raw(made)


def test_fingerprints_tell_keys_apart() -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    again = Ed25519PrivateKey.from_private_bytes(
        key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    )
    assert fingerprint(key) == fingerprint(again) != fingerprint(other)


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
