"""Who calls, judged in every way at once: own tokens, JWTs of an issuer, opaque tokens; and for
which brand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import httpx
import pytest

from carillon.comms.v1 import inbox_service_pb2, inbox_service_pb2_grpc
from server.app import Part
from server.commands.operations.tokens import revoke_token
from server.config import Settings
from server.database import migrate_database, operate
from server.domain.clock import SystemClock
from server.identity.introspection import MOST_OF_ONE
from tests.support.api.answers import Answer
from tests.support.api.callers import Caller, RestCaller, caller
from tests.support.api.running import Running, running_service
from tests.support.api.scenes import COMMS
from tests.support.channels.http_gateway import answer
from tests.support.identity import IdentityService

PARTS = frozenset({Part.API, Part.GATEWAY})
LIST = f"{COMMS}/ListCampaigns"
NOTIFICATIONS = "comms.NotificationService/ListNotifications"
INBOX = "comms.InboxService/ListInboxItems"
EVERY = "manage:campaigns manage:notifications manage:inbox"


@pytest.fixture(scope="session")
async def identity() -> AsyncIterator[IdentityService]:
    service = IdentityService(SystemClock())
    service.rotate("k1")
    await service.start()
    yield service
    await service.stop()


@pytest.fixture(scope="session")
async def there(
    tmp_path_factory: pytest.TempPathFactory, identity: IdentityService
) -> AsyncIterator[Running]:
    """A service that takes tokens of every kind."""
    data_dir: Path = tmp_path_factory.mktemp("identity")
    await migrate_database(Settings(data_dir=data_dir))
    async with running_service(data_dir, parts=PARTS, **identity.settings()) as running:
        yield running


@pytest.fixture
def asking(transport: str, there: Running, brand: str) -> Caller:
    return caller(transport, there, brand)


def opaque(identity: IdentityService, **claims: Any) -> str:
    token = uuid4().hex
    identity.known[token] = {"active": True, **identity.claims(**claims)}
    return token


def each_kind(identity: IdentityService, there: Running, brand: str, kind: str) -> dict[str, str]:
    """A token of each kind for the brand, of a `service` or a `person`."""
    claims: dict[str, Any] = {"brands": [brand], "scope": EVERY, "typ": kind}
    own = there.service.keys.tokens.mint("ann", [brand], EVERY.split(), is_person=kind == "person")
    return {"own": own, "jwt": identity.token(**claims), "opaque": opaque(identity, **claims)}


async def test_tokens_of_every_kind_are_taken_at_once(
    asking: Caller, there: Running, identity: IdentityService, brand: str
) -> None:
    for kind, token in each_kind(identity, there, brand, "service").items():
        assert (await asking.call(LIST, {"brand_id": brand}, token=token)).status == 200, kind
        stranger = await asking.call(LIST, {"brand_id": "demo"}, token=token)
        assert (stranger.status, stranger.error) == (404, "brand_not_found"), kind


async def test_people_of_every_kind_see_their_own_and_nobody_elses(
    asking: Caller, there: Running, identity: IdentityService, brand: str
) -> None:
    for kind, token in each_kind(identity, there, brand, "person").items():
        assert (await asking.call(NOTIFICATIONS, {}, token=token)).status == 200, kind
        others = {"brand_id": brand, "person_id": "bob"}
        inbox = await asking.call(INBOX, others, token=token)
        assert (inbox.status, inbox.error) == (403, "services_only"), kind


async def test_what_cannot_be_judged_now_is_503(
    asking: Caller, identity: IdentityService, brand: str
) -> None:
    identity.answers(answer(500))
    refused = await asking.call(LIST, {"brand_id": brand}, token=opaque(identity))
    assert (refused.status, refused.error) == (503, "identity_unavailable")
    refused = await asking.call(LIST, {"brand_id": brand}, token="nobody-knows-it")
    assert (refused.status, refused.error) == (401, "unauthenticated")


@pytest.fixture
async def elsewhere(there: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A client at another address."""
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    base = there.http.base_url
    async with httpx.AsyncClient(transport=transport, base_url=base, timeout=60) as client:
        yield client


@pytest.fixture
async def slow(identity: IdentityService) -> AsyncIterator[IdentityService]:
    """An identity service that is slow with tokens that it does not know."""
    identity.held = asyncio.Event()
    yield identity
    identity.held.set()
    identity.held = None


async def test_a_client_that_makes_up_tokens_keeps_no_other_one_from_being_known(
    there: Running, elsewhere: httpx.AsyncClient, slow: IdentityService, brand: str
) -> None:
    there.token(brand)
    asking = RestCaller(elsewhere, "")
    segment = {"brand_id": brand, "name": "gold", "predicate": {"in": [{"var": "a"}, "x" * 70_000]}}

    async def made_up(request: dict[str, Any], method: str) -> Answer:
        return await asking.call(method, request, token=uuid4().hex)

    # Of small requests the server asks, before large ones the gateway has it ask.
    flood = [
        asyncio.create_task(made_up(*call))
        for call in (
            [(segment, "messaging.SegmentService/CreateSegment")] * (MOST_OF_ONE - 4)
            + [({"brand_id": brand}, LIST)] * 12
        )
    ]
    async with asyncio.timeout(30):
        while sum(each.done() for each in flood) < 8:
            await asyncio.wait(
                [each for each in flood if not each.done()], return_when=asyncio.FIRST_COMPLETED
            )
    over = [each.result() for each in flood if each.done()]
    assert {(each.status, each.error) for each in over} == {(503, "identity_unavailable")}
    token = opaque(slow, brands=[brand], scope=EVERY, typ="service")
    good = await RestCaller(there.http, token).call(LIST, {"brand_id": brand})
    assert good.status == 200
    assert slow.held is not None
    slow.held.set()
    refused = await asyncio.gather(*(each for each in flood if not each.done()))
    assert [each.status for each in refused] == [401] * MOST_OF_ONE


async def test_a_caller_may_name_one_of_its_brands(
    asking: Caller, there: Running, brand: str
) -> None:
    other = f"other-{brand}"
    token = there.token(brand, other)
    for named, asked_for, status, error in (
        (None, "", 422, "validation_failed"),
        (brand, "", 200, None),
        (brand, brand, 200, None),
        (brand, other, 404, "brand_not_found"),
        ("brand-of-a-stranger", brand, 404, "brand_not_found"),
        ("brand-of-a-stranger", "brand-of-a-stranger", 404, "brand_not_found"),
    ):
        request = {"brand_id": asked_for} if asked_for else {}
        headers = {} if named is None else {"x-brand-id": named}
        given = await asking.call(LIST, request, token=token, headers=headers)
        assert (given.status, given.body.get("error")) == (status, error), (named, asked_for)


async def test_a_caller_without_a_brand_may_name_none(
    asking: Caller, there: Running, brand: str
) -> None:
    there.token(brand)
    token = there.service.keys.tokens.mint("ann", [], ["read:campaigns"])
    given = await asking.call(LIST, {}, token=token, headers={"x-brand-id": brand})
    assert (given.status, given.error) == (403, "brand_unknown")


async def test_a_revoked_token_is_refused_and_its_callers_others_are_not(
    asking: Caller, there: Running, brand: str
) -> None:
    there.token(brand)
    ids = uuid4().hex, uuid4().hex
    ended, other = (
        there.service.keys.tokens.mint("ann", [brand], ["read:campaigns"], token_id=each)
        for each in ids
    )
    await operate(there.settings, lambda tx, caller: revoke_token(tx, caller, ids[0]))
    refused = await asking.call(LIST, {"brand_id": brand}, token=ended)
    assert (refused.status, refused.error) == (401, "unauthenticated")
    assert (await asking.call(LIST, {"brand_id": brand}, token=other)).status == 200


async def test_a_stream_ends_with_the_revocation_of_its_token(
    there: Running, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.identity.tokens.REMEMBERED", timedelta(0))
    others, token_id = there.token(brand), uuid4().hex
    token = there.service.keys.tokens.mint("desk", [brand], ["read:inbox"], token_id=token_id)
    stub: Any = inbox_service_pb2_grpc.InboxServiceStub(there.channel)
    request = inbox_service_pb2.WatchInboxRequest(brand_id=brand, person_id="ann")
    stream = stub.WatchInbox(request, metadata=(("authorization", f"Bearer {token}"),))
    assert (await stream.read()).unread_count == 0
    await operate(there.settings, lambda tx, caller: revoke_token(tx, caller, token_id))
    notification = {"brand_id": brand, "patient_id": "ann", "kind": "result", "title": "News"}
    await caller("grpc", there, brand).call(
        "comms.NotificationService/CreateNotification", notification, token=others
    )
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await stream.read()
    assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
