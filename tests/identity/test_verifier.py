"""What is remembered of tokens, for how long, and who is asked about which."""

from __future__ import annotations

from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.domain.errors import Unauthenticated
from server.identity.claims import LEEWAY
from server.identity.signing_keys import SigningKeys
from server.identity.tokens import LIFETIME, IsRevoked, OwnTokens, Tokens
from server.identity.verifier import LONGEST_TOKEN, TokenVerifier
from tests.support.clocks import ManualClock

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tokens(clock: ManualClock) -> Tokens:
    return Tokens(SigningKeys([KEY]), clock)


async def never(token_id: str) -> bool:
    return False


def verifier_of(tokens: Tokens, clock: ManualClock, revoked: IsRevoked = never) -> TokenVerifier:
    return TokenVerifier([OwnTokens(tokens, revoked)], clock)


async def refused(verifier: TokenVerifier, token: str) -> str:
    assert verifier.known(token) is None
    with pytest.raises(Unauthenticated) as refusal:
        await verifier.verify(token)
    return refusal.value.message


async def test_a_token_is_remembered_for_a_moment(tokens: Tokens, clock: ManualClock) -> None:
    verifier, token = verifier_of(tokens, clock), tokens.mint("ann", ["acme"], [])
    assert verifier.known(token) is None
    principal = await verifier.verify(token)
    clock.advance(19.9)
    assert verifier.known(token) is principal
    clock.advance(0.1)
    assert verifier.known(token) is None
    assert await verifier.verify(token) == principal


async def test_what_is_remembered_expires_with_the_token(
    tokens: Tokens, clock: ManualClock
) -> None:
    verifier = verifier_of(tokens, clock)
    token = tokens.mint("ann", ["acme"], [], timedelta(seconds=60))
    clock.advance(60 + LEEWAY.total_seconds() - 1)
    await verifier.verify(token)
    assert verifier.known(token) is not None
    clock.advance(1.001)
    assert await refused(verifier, token) == "the token has expired"


async def test_a_refused_token_is_not_remembered_as_good(
    tokens: Tokens, clock: ManualClock
) -> None:
    verifier = verifier_of(tokens, clock)
    other = Tokens(SigningKeys([Ed25519PrivateKey.generate()]), clock).mint("ann", [], [])
    for _ in range(2):
        await refused(verifier, other)


async def test_a_retired_key_has_verified_its_last_token_after_half_a_minute(
    clock: ManualClock,
) -> None:
    there = [Ed25519PrivateKey.generate(), KEY]
    tokens = Tokens(SigningKeys(there, lambda: list(there)), clock)
    verifier = verifier_of(tokens, clock)
    token = Tokens(SigningKeys(there[:1]), clock).mint("ann", [], [])
    await verifier.verify(tokens.mint("bob", [], []))
    clock.advance(9.9)
    await verifier.verify(token)
    del there[0]
    clock.advance(20)
    await refused(verifier, token)


async def test_more_tokens_than_are_remembered_are_verified_all_the_same(
    tokens: Tokens, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.identity.verifier.MOST_REMEMBERED", 3)
    verifier = verifier_of(tokens, clock)
    made = [tokens.mint(f"person-{number}", ["acme"], []) for number in range(10)]
    for _ in range(2):
        assert [(await verifier.verify(token)).subject for token in made] == [
            f"person-{number}" for number in range(10)
        ]
    # The last ones, not none.
    assert [verifier.known(token) is not None for token in made] == [False] * 7 + [True] * 3
    clock.advance(LIFETIME.total_seconds() + LEEWAY.total_seconds() + 1)
    for token in made:
        await refused(verifier, token)


async def test_what_nobody_takes_is_refused(tokens: Tokens, clock: ManualClock) -> None:
    verifier = verifier_of(tokens, clock)
    of_others = jwt.encode({"iss": "another", "sub": "ann"}, KEY, algorithm="EdDSA")
    for token in ("", "opaque", "a.b.c", "x" * (LONGEST_TOKEN + 1), of_others):
        assert await refused(verifier, token) == "the token is not one of this service"


async def test_a_revoked_token_is_refused_within_half_a_minute_and_no_other_is(
    tokens: Tokens, clock: ManualClock
) -> None:
    revoked: set[str] = set()

    async def is_revoked(token_id: str) -> bool:
        return token_id in revoked

    verifier = verifier_of(tokens, clock, is_revoked)
    ended = tokens.mint("ann", ["acme"], [], token_id="t-1")
    other = tokens.mint("ann", ["acme"], [], token_id="t-2")
    nameless = jwt.encode(
        {"iss": "carillon", "aud": "carillon", "sub": "ann", "iat": 0, "exp": 9e9}, KEY, "EdDSA"
    )
    for token in (ended, other, nameless):
        await verifier.verify(token)
    revoked |= {"t-1", ""}
    clock.advance(20)
    assert await refused(verifier, ended) == "the token has been revoked"
    for token in (other, nameless):
        assert (await verifier.verify(token)).subject == "ann"
