"""Opaque tokens: what the identity service says of them, for how long that counts, and what becomes
of them while it is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.domain.access import Principal
from server.domain.errors import IdentityUnavailable, Unauthenticated
from server.identity.claims import ClaimMapping
from server.identity.http import LARGEST_ANSWER, IdentityClient
from server.identity.introspection import MOST_AT_ONCE, MOST_OF_ONE, IntrospectedTokens
from server.identity.verifier import TokenVerifier
from tests.support.channels.http_gateway import Behaviour, answer, close_at_head, hang, reset
from tests.support.clocks import ManualClock
from tests.support.identity import CLIENT, IdentityService


def introspected(
    service: IdentityService, client: IdentityClient, clock: ManualClock, audience: str = ""
) -> TokenVerifier:
    url = f"{service.origin}/introspect"
    source = IntrospectedTokens(
        lambda token: client.introspect(url, token, CLIENT),
        "idp",
        audience,
        ClaimMapping(service=("typ", "service")),
    )
    return TokenVerifier([source], clock)


def active(service: IdentityService, token: str = "opaque", **claims: Any) -> str:
    """Has the service know a token."""
    good = {"active": True, "sub": "ann", "brands": ["acme"], "scope": "read:messages", **claims}
    service.known[token] = good
    return token


async def refused(verifier: TokenVerifier, token: str) -> None:
    assert verifier.known(token) is None
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_an_active_token_is_who_the_service_says(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    verifier, exp = introspected(service, client, clock), clock.now().timestamp() + 60
    found = await verifier.verify(active(service, "a b+c/&=é", typ="service", exp=exp))
    assert found == Principal(
        "ann", frozenset({"acme"}), frozenset({"read:messages"}), is_person=False, issuer="idp"
    )
    assert found.expires_at is not None
    assert found.expires_at.timestamp() == exp
    (request,) = service.gateway.received
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "token_type_hint=access_token" in request.body.decode()


async def test_an_answer_counts_for_half_a_minute_and_a_refusal_for_five_seconds(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    verifier, token = introspected(service, client, clock), active(service)
    await verifier.verify(token)
    service.known.clear()
    clock.advance(29.9)
    assert verifier.known(token) is not None
    clock.advance(0.1)
    await refused(verifier, token)
    assert len(service.asked) == 2
    active(service)
    clock.advance(4.9)
    await refused(verifier, token)
    assert len(service.asked) == 2
    clock.advance(0.1)
    assert (await verifier.verify(token)).subject == "ann"


@pytest.mark.parametrize("seconds", [0.5, 10, 29])
async def test_no_answer_counts_past_the_expiry_of_the_token(
    service: IdentityService, client: IdentityClient, clock: ManualClock, seconds: float
) -> None:
    verifier = introspected(service, client, clock)
    token = active(service, exp=clock.now().timestamp() + seconds)
    await verifier.verify(token)
    clock.advance(seconds - 0.1)
    assert verifier.known(token) is not None
    clock.advance(0.101)
    await refused(verifier, token)


@pytest.mark.parametrize(
    "claims",
    [
        {"active": False}, {"exp": 1}, {"exp": "soon"}, {"exp": True}, {"nbf": 9e9}, {"sub": None},
        {"sub": "a\nb"}, {"sub": ["ann"]}, {"brands": [1]}, {"scope": 7}, {"jti": "a\tb"},
    ],
)  # fmt: skip
async def test_a_token_of_which_the_service_says_something_else_is_refused(
    service: IdentityService, client: IdentityClient, clock: ManualClock, claims: dict[str, Any]
) -> None:
    await refused(introspected(service, client, clock), active(service, **claims))


@pytest.mark.parametrize(
    ("audience", "good"),
    [("us", True), (["them", "us"], True), ("them", False), (["them"], False), (None, False)],
)
async def test_an_audience_that_is_set_has_to_be_named(
    service: IdentityService, client: IdentityClient, clock: ManualClock, audience: Any, good: bool
) -> None:
    verifier, token = introspected(service, client, clock, "us"), active(service, aud=audience)
    if good:
        assert (await verifier.verify(token)).subject == "ann"
    else:
        await refused(verifier, token)


AWAY: dict[str, Behaviour] = {
    "resets": reset,
    "closes": close_at_head,
    "is late": hang,
    "fails": answer(500),
    "does not know us": answer(401, b'{"active": true, "sub": "root"}'),
    "is empty": answer(200, b""),
    "is a page": answer(200, b"<html>"),
    "is another document": answer(200, b"[true]"),
    "says active in words": answer(200, b'{"active": "true", "sub": "root"}'),
    "says nothing of active": answer(200, b'{"sub": "root"}'),
    "is elsewhere": answer(307, b"", location="/introspect"),
    "never ends": answer(200, b" " * (LARGEST_ANSWER + 1)),
}


@pytest.mark.parametrize("away", AWAY)
async def test_while_the_service_is_away_only_what_is_remembered_is_good(
    service: IdentityService, hasty: IdentityClient, client: IdentityClient, clock: ManualClock,
    away: str,
) -> None:  # fmt: skip
    verifier, known, other = (
        introspected(service, hasty if away == "is late" else client, clock),
        active(service),
        active(service, "other"),
    )
    await verifier.verify(known)
    service.answers(AWAY[away], AWAY[away])
    with pytest.raises(IdentityUnavailable):
        await verifier.verify(other)
    assert verifier.known(known) is not None
    clock.advance(30)
    assert verifier.known(known) is None
    with pytest.raises(IdentityUnavailable):
        await verifier.verify(known)
    # That it was away is not remembered.
    assert (await verifier.verify(other)).subject == "ann"
    service.gateway.release.set()


async def test_calls_with_one_token_at_the_same_time_are_one_request(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    verifier, token = introspected(service, client, clock), active(service)
    found = await asyncio.gather(*(verifier.verify(token) for _ in range(50)))
    assert {each.subject for each in found} == {"ann"}
    assert len(service.asked) == 1


async def test_a_caller_who_hangs_up_does_not_end_it_for_the_others(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    held = asyncio.Event()

    async def ask(token: str) -> bytes:
        await held.wait()
        return b'{"active": true, "sub": "ann"}'

    verifier = TokenVerifier([IntrospectedTokens(ask, "idp", "", ClaimMapping())], clock)
    first, second = (asyncio.create_task(verifier.verify("opaque")) for _ in range(2))
    await asyncio.wait([first], timeout=0)
    first.cancel()
    await asyncio.wait([first])
    held.set()
    assert (await second).subject == "ann"


async def test_made_up_tokens_ask_only_so_many_times_at_once_and_are_forgotten(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.identity.introspection.MOST_AT_ONCE", 3)
    monkeypatch.setattr("server.identity.introspection.MOST_REFUSED", 3)
    held, asked = asyncio.Event(), []

    async def ask(token: str) -> bytes:
        asked.append(token)
        await held.wait()
        return b'{"active": false}'

    source = IntrospectedTokens(ask, "idp", "", ClaimMapping())
    verifier = TokenVerifier([source], clock)
    made_up = [f"token-{number}" for number in range(10)]
    calls = [asyncio.create_task(verifier.verify(token)) for token in made_up]
    await asyncio.wait(calls[3:])
    assert [type(call.exception()) for call in calls[3:]] == [IdentityUnavailable] * 7
    held.set()
    await asyncio.wait(calls)
    assert [type(call.exception()) for call in calls[:3]] == [Unauthenticated] * 3
    assert asked == made_up[:3]
    for token in made_up[3:]:
        await refused(verifier, token)
    assert len(source._refused) == 3


async def test_a_client_that_makes_up_tokens_leaves_room_for_the_others(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    verifier, token = introspected(service, client, clock), active(service)
    service.held = asyncio.Event()
    made_up = [
        asyncio.create_task(verifier.verify(f"made-up-{number}", "10.0.0.1"))
        for number in range(MOST_AT_ONCE)
    ]
    refused_at_once = made_up[MOST_OF_ONE:]
    await asyncio.wait(refused_at_once)
    assert {type(call.exception()) for call in refused_at_once} == {IdentityUnavailable}
    assert not any(call.done() for call in made_up[:MOST_OF_ONE])
    # The service is slow with the others, and answers this one.
    assert (await verifier.verify(token, "10.0.0.2")).subject == "ann"
    service.held.set()
    await asyncio.wait(made_up)
    assert {type(call.exception()) for call in made_up[:MOST_OF_ONE]} == {Unauthenticated}
    # Its questions are over, and it may ask again.
    assert (await verifier.verify(active(service, "another"), "10.0.0.1")).subject == "ann"


async def test_every_question_that_may_be_asked_has_a_connection(
    service: IdentityService, client: IdentityClient, clock: ManualClock
) -> None:
    verifier, token = introspected(service, client, clock), active(service)
    service.held = asyncio.Event()
    made_up = [
        asyncio.create_task(verifier.verify(f"made-up-{number}", f"10.0.0.{number // MOST_OF_ONE}"))
        for number in range(MOST_AT_ONCE - 1)
    ]
    await asyncio.wait(made_up, timeout=0)
    assert (await verifier.verify(token, "10.0.1.1")).subject == "ann"
    service.held.set()
    await asyncio.wait(made_up)
