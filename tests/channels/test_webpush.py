"""What becomes of a message to a browser, against a push service that decrypts and verifies it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    derive_private_key,
    generate_private_key,
)

from server.channels.provider import Delivery, Envelope, Outcome
from server.channels.webpush.encryption import LARGEST_BODY, LARGEST_TEXT, encrypt
from server.channels.webpush.provider import SubscriptionsUnavailable, WebPushProvider
from server.channels.webpush.public_hosts import PublicHosts, resolve
from server.channels.webpush.push import PushProvider
from server.domain.contacts.push_subscriptions import decode, encode
from server.domain.delivery.retry import ErrorClass
from server.runtime.vapid import public_text
from storage.model.ids import new_id
from storage.model.push_subscriptions import PushSubscription
from tests.support.channels.browser import Browser
from tests.support.channels.http_gateway import (
    HttpGateway,
    answer,
    close_at_head,
    hang,
    reset,
)
from tests.support.channels.mail_server import envelope
from tests.support.channels.push_service import HOST, TAKEN, PushService
from tests.support.clocks import NOON, ManualClock

SOON = 1.0
"""Seconds; enough to get a message to a server on loopback."""
Make = Callable[..., WebPushProvider]


class Registered:
    """Subscriptions in memory."""

    def __init__(self) -> None:
        self.by_id: dict[str, PushSubscription] = {}
        self.ended: list[tuple[str, str]] = []
        self.available = True

    def add(self, browser: Browser, **more: Any) -> PushSubscription:
        values: dict[str, Any] = {
            "brand_id": "acme",
            "person_id": "p-1",
            "user_agent": None,
            "expires_at": None,
        }
        subscription = PushSubscription(
            id=new_id(),
            endpoint=browser.endpoint,
            p256dh=encode(browser.point),
            auth=encode(browser.auth),
            created_at=NOON,
            **values | more,
        )
        self.by_id[subscription.id] = subscription
        return subscription

    async def find(self, subscription_id: str) -> PushSubscription | None:
        if not self.available:
            raise SubscriptionsUnavailable
        return self.by_id.get(subscription_id)

    async def end(self, subscription: PushSubscription, reason: str) -> None:
        self.ended.append((self.by_id.pop(subscription.id).id, reason))


@pytest.fixture
async def push(tmp_path: Path) -> AsyncIterator[PushService]:
    service = PushService(tmp_path)
    service.now = NOON
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
def registered() -> Registered:
    return Registered()


@pytest.fixture
async def make(push: PushService, registered: Registered) -> AsyncIterator[Make]:
    made: list[WebPushProvider] = []

    def provider(**options: Any) -> WebPushProvider:
        key = generate_private_key(SECP256R1())
        push.key = public_text(key)
        known = {"clock": ManualClock(), **push.options()}
        made.append(WebPushProvider(registered, key, "mailto:ops@example.com", **known | options))
        return made[-1]

    yield provider
    for each in made:
        await each.close()


def to(subscription: PushSubscription, **more: Any) -> Envelope:
    return envelope(channel="push", address=subscription.id, **more)


def test_the_example_of_the_rfc_is_encrypted_to_the_octet() -> None:
    """RFC 8291 section 5 and appendix A."""
    private = int.from_bytes(decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        decode(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIA"
            "iw4"
        ),
        decode("BTBZMqHH6r4Tts7J_aSIgg"),
        key=derive_private_key(private, SECP256R1()),
        salt=decode("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert encode(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmY"
        "WAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexS"
        "gSxsj_Qulcy4a-fN"
    )


def test_the_longest_message_fills_what_push_services_take() -> None:
    browser = Browser()
    assert len(encrypt(b"x" * LARGEST_TEXT, browser.point, browser.auth)) == LARGEST_BODY


async def test_a_browser_reads_what_was_sent_to_it_alone(
    push: PushService, registered: Registered, make: Make
) -> None:
    browser, other = Browser(push.origin), Browser(push.origin)
    provider, subscription = make(), registered.add(browser)
    registered.add(other)
    delivery = await provider.deliver(
        to(subscription, subject="Grüße", body="Zoë 🎈", action_url="/inbox")
    )
    assert delivery == Delivery(Outcome.ACCEPTED, provider_message_id=f"{push.origin}{TAKEN}")
    shown = {"message_id": "msg-1", "title": "Grüße", "body": "Zoë 🎈", "url": "/inbox"}
    assert push.read(browser) == [shown]
    assert push.read(other) == []
    (received,) = push.gateway.received
    assert received.headers["ttl"] == "86400"
    assert b"Zo" not in received.body


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_ends_when_its_push_service_says_so(
    push: PushService, registered: Registered, make: Make, status: int
) -> None:
    provider, subscription = make(), registered.add(Browser(push.origin))
    push.answers(answer(status))
    reason = f"http_{status}"
    assert await provider.deliver(to(subscription)) == Delivery(Outcome.REJECTED, reason)
    assert registered.ended == [(subscription.id, reason)]
    ended = Delivery(Outcome.REJECTED, "push_subscription_ended")
    assert await provider.deliver(to(subscription)) == ended
    assert len(push.gateway.received) == 1


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {}, Delivery(Outcome.ACCEPTED)),
        (202, {}, Delivery(Outcome.ACCEPTED)),
        (
            429,
            {"retry_after": "120"},
            Delivery(Outcome.REJECTED, "http_429", ErrorClass.DEFERRED, retry_after=120),
        ),
        (401, {}, Delivery(Outcome.REJECTED, "http_401", ErrorClass.DEFERRED)),
        (403, {}, Delivery(Outcome.REJECTED, "http_403", ErrorClass.DEFERRED)),
        (400, {}, Delivery(Outcome.REJECTED, "http_400")),
        (413, {}, Delivery(Outcome.REJECTED, "http_413")),
        (307, {"location": "https://elsewhere.example/"}, Delivery(Outcome.REJECTED, "http_307")),
        (408, {}, Delivery(Outcome.AMBIGUOUS, "http_408")),
        (500, {}, Delivery(Outcome.AMBIGUOUS, "http_500")),
        (503, {"retry_after": "120"}, Delivery(Outcome.AMBIGUOUS, "http_503")),
    ],
)
async def test_what_each_answer_means(
    push: PushService,
    registered: Registered,
    make: Make,
    status: int,
    headers: dict[str, str],
    expected: Delivery,
) -> None:
    provider, subscription = make(), registered.add(Browser(push.origin))
    push.answers(answer(status, b"", **headers))
    assert await provider.deliver(to(subscription)) == expected
    assert registered.ended == []
    assert len(push.gateway.received) == 1


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (hang, Delivery(Outcome.AMBIGUOUS, "http_timeout")),
        (reset, Delivery(Outcome.AMBIGUOUS, "http_answer_lost")),
        (close_at_head, Delivery(Outcome.AMBIGUOUS, "http_answer_lost")),
    ],
)
async def test_a_lost_answer_leaves_it_in_doubt(
    push: PushService, registered: Registered, make: Make, behaviour: Any, expected: Delivery
) -> None:
    provider, subscription = make(timeout=SOON), registered.add(Browser(push.origin))
    push.answers(behaviour)
    assert await provider.deliver(to(subscription)) == expected


async def test_what_never_left_was_not_sent(
    push: PushService, registered: Registered, make: Make
) -> None:
    subscription = registered.add(Browser(push.origin))
    deferred = Delivery(Outcome.REJECTED, "http_connect_failed", ErrorClass.DEFERRED)

    async def no_such_name(host: str, port: int) -> list[str]:
        raise OSError

    unknown = make(hosts=PublicHosts(no_such_name))
    untrusting = make(tls_context=None)
    assert await unknown.deliver(to(subscription)) == deferred
    assert await untrusting.deliver(to(subscription)) == deferred
    provider = make()
    await push.stop()
    assert await provider.deliver(to(subscription)) == deferred
    assert push.gateway.received == []
    await push.start()


async def test_a_push_service_that_is_silent_is_left_alone_and_the_others_are_not(
    push: PushService, registered: Registered, make: Make
) -> None:
    clock = ManualClock()
    provider, well = make(clock=clock), registered.add(Browser(push.origin))
    # Its certificate is of another name, so that there is no connection.
    silent = registered.add(Browser(f"https://other.example.net:{push.gateway.port}"))
    failed = Delivery(Outcome.REJECTED, "http_connect_failed", ErrorClass.DEFERRED)
    assert [await provider.deliver(to(silent)) for _ in range(5)] == [failed] * 5
    opened = push.gateway.opened
    left_alone = await provider.deliver(to(silent))
    assert (left_alone.reason, left_alone.error_class) == (
        "push_service_left_alone",
        ErrorClass.DEFERRED,
    )
    assert left_alone.retry_after is not None
    assert push.gateway.opened == opened
    assert (await provider.deliver(to(well))).outcome is Outcome.ACCEPTED
    clock.advance(left_alone.retry_after)
    assert await provider.deliver(to(silent)) == failed


async def test_hosts_that_hang_take_a_quarter_of_the_calls_and_the_others_go_on(
    push: PushService, registered: Registered, make: Make
) -> None:
    """Names are made up as anybody likes: all of them together count."""
    provider, well = make(patience=0.0), registered.add(Browser(push.origin))
    assert (await provider.deliver(to(well))).outcome is Outcome.ACCEPTED
    gateways = [HttpGateway() for _ in range(2)]
    for gateway in gateways:
        gateway.otherwise = hang
        await gateway.start(tls=push.certificate.for_server())
    hanging = [
        registered.add(Browser(f"https://{HOST}:{gateways[number % 2].port}"))
        for number in range(7)
    ]
    calls = [asyncio.create_task(provider.deliver(to(each))) for each in hanging]
    for refused in await asyncio.gather(*calls[5:]):
        assert (refused.reason, refused.error_class) == (
            "push_service_left_alone",
            ErrorClass.DEFERRED,
        )
    assert (await provider.deliver(to(well))).outcome is Outcome.ACCEPTED
    for gateway in gateways:
        gateway.release.set()
    assert {each.outcome for each in await asyncio.gather(*calls[:5])} == {Outcome.ACCEPTED}
    for gateway in gateways:
        await gateway.stop()


async def test_what_a_push_service_answers_however_often_is_about_its_subscription(
    push: PushService, registered: Registered, make: Make
) -> None:
    provider, well = make(), registered.add(Browser(push.origin))
    hostile = Browser(push.origin)
    push.answers_for(hostile, answer(500))
    failing = registered.add(hostile)
    for _ in range(7):
        assert (await provider.deliver(to(failing))).reason == "http_500"
    assert (await provider.deliver(to(well))).outcome is Outcome.ACCEPTED


async def test_nothing_is_asked_of_hosts_that_are_not_public(
    push: PushService, registered: Registered, make: Make
) -> None:
    """Whatever a name stands for by now: it was judged when it was registered only by its text."""
    provider = make(hosts=PublicHosts())
    for host in ("127.0.0.1", "localhost"):
        there = registered.add(Browser(f"https://{host}:{push.gateway.port}"))
        expected = Delivery(Outcome.REJECTED, "push_endpoint_not_public")
        assert await provider.deliver(to(there)) == expected
    assert push.gateway.opened == 0
    assert await resolve("127.0.0.1", 443) == ["127.0.0.1"]


async def test_a_subscription_of_another_brand_gets_nothing(
    push: PushService, registered: Registered, make: Make
) -> None:
    subscription = registered.add(Browser(push.origin), brand_id="other")
    expected = Delivery(Outcome.REJECTED, "push_subscription_ended")
    assert await make().deliver(to(subscription)) == expected
    assert push.gateway.opened == 0


async def test_what_does_not_fit_or_is_no_text_is_not_sent(
    push: PushService, registered: Registered, make: Make
) -> None:
    provider, subscription = make(), registered.add(Browser(push.origin))
    for body, reason in (("x" * 4000, "content_too_large"), ("\ud800", "invalid_content")):
        expected = Delivery(Outcome.REJECTED, reason)
        assert await provider.deliver(to(subscription, body=body)) == expected
    assert push.gateway.opened == 0


async def test_without_the_database_it_is_tried_again(registered: Registered, make: Make) -> None:
    subscription = registered.add(Browser())
    registered.available = False
    expected = Delivery(Outcome.REJECTED, "push_subscription_unavailable", ErrorClass.UNREACHABLE)
    assert await make().deliver(to(subscription)) == expected


async def test_messages_to_one_push_service_go_side_by_side(
    push: PushService, registered: Registered, make: Make
) -> None:
    provider = make(patience=60.0)
    browsers = [Browser(push.origin) for _ in range(30)]
    deliveries = await asyncio.gather(
        *(provider.deliver(to(registered.add(browser))) for browser in browsers)
    )
    assert {each.outcome for each in deliveries} == {Outcome.ACCEPTED}
    assert all(len(push.read(browser)) == 1 for browser in browsers)
    assert push.gateway.opened <= provider.max_concurrency


class Devices:
    """A provider of device tokens."""

    name = "devices"
    max_concurrency = 3
    timeout = 1.0
    key_window = timedelta(0)

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def start(self) -> None: ...

    async def deliver(self, message: Envelope) -> Delivery:
        self.taken.append(message.address)
        return Delivery(Outcome.ACCEPTED)

    async def close(self) -> None: ...


async def test_ids_of_subscriptions_go_to_browsers_and_all_else_to_devices(
    push: PushService, registered: Registered, make: Make
) -> None:
    browser, devices = Browser(push.origin), Devices()
    subscription = registered.add(browser)
    provider = PushProvider(make(), devices)
    tokens = ["device-1", "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "ab" * 32]
    for address in (subscription.id, *tokens):
        sent = await provider.deliver(replace(to(subscription), address=address))
        assert sent.outcome is Outcome.ACCEPTED
        assert sent.speaks_for_provider is (address != subscription.id)
    assert devices.taken == tokens
    assert len(push.read(browser)) == 1
    gone = await provider.deliver(replace(to(subscription), address=new_id()))
    assert (gone.outcome, gone.reason) == (Outcome.REJECTED, "push_subscription_ended")
