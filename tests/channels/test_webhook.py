"""What becomes of a message over HTTP, against real servers: sent, provably not sent, or in doubt,
and nothing in between."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from server.channels.provider import Delivery, Outcome
from server.channels.webhook.provider import WebhookProvider
from server.domain.delivery.retry import ErrorClass
from server.runtime.logs import QUIET
from tests.support.channels.certificate import Certificate
from tests.support.channels.http_gateway import (
    Behaviour,
    Exchange,
    HttpGateway,
    answer,
    close_at_head,
    hang,
    reset,
    response,
    saying,
)
from tests.support.channels.mail_server import envelope
from tests.support.clocks import NOON, ManualClock

ACCEPTED = Delivery(Outcome.ACCEPTED, provider_message_id="gw-1")
ACCEPTED_SOMEHOW = Delivery(Outcome.ACCEPTED)
NEVER = 20.0
SOON = 0.4
"""Seconds; enough to get a message to a server on loopback."""
TOKEN = "s3cret-token"
Make = Callable[..., WebhookProvider]


def ambiguous(reason: str) -> Delivery:
    return Delivery(Outcome.AMBIGUOUS, reason)


def unreachable(reason: str) -> Delivery:
    return Delivery(Outcome.REJECTED, reason, ErrorClass.UNREACHABLE)


@pytest.fixture
async def gateway() -> AsyncIterator[HttpGateway]:
    gateway = HttpGateway()
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture
async def tls_gateway(certificate: Certificate) -> AsyncIterator[HttpGateway]:
    gateway = HttpGateway()
    await gateway.start(tls=certificate.for_server())
    yield gateway
    await gateway.stop()


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[WebhookProvider] = []

    def provider(url: str, **options: Any) -> WebhookProvider:
        made.append(
            WebhookProvider(
                url,
                "sms",
                clock=ManualClock(),
                **{"timeout": NEVER, "idle_seconds": NEVER} | options,
            )
        )
        return made[-1]

    yield provider
    for each in made:
        await each.close()


# The request


async def test_a_message_is_one_post_of_one_json_document(gateway: HttpGateway, make: Make) -> None:
    message = envelope(
        subject="Grüße",
        body="Zeile\n\u2028 €",
        html="<p>€</p>",
        unsubscribe_url="https://x.example/u/1",
        action_url="/results/7",
    )
    assert await make(gateway.url, token=TOKEN).deliver(message) == ACCEPTED
    (request,) = gateway.received
    assert request.line == "POST /v1/messages HTTP/1.1"
    assert request.document == {
        "message_id": "msg-1",
        "brand_id": "acme",
        "channel": "email",
        "recipient": "ada@example.com",
        "subject": "Grüße",
        "text": "Zeile\n\u2028 €",
        "html": "<p>€</p>",
        "unsubscribe_url": "https://x.example/u/1",
        "action_url": "/results/7",
    }
    assert request.headers == {
        "host": f"127.0.0.1:{gateway.port}",
        "user-agent": "carillon",
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": str(len(request.body)),
        "authorization": f"Bearer {TOKEN}",
        "idempotency-key": "msg-1",
    }


async def test_what_a_message_has_not_is_null_and_a_token_that_is_not_set_is_not_sent(
    gateway: HttpGateway, make: Make
) -> None:
    await make(gateway.url).deliver(envelope(channel="sms", address="+491701234567", subject=None))
    (request,) = gateway.received
    absent = ("subject", "html", "unsubscribe_url", "action_url")
    assert [request.document[name] for name in absent] == [None] * 4
    assert "authorization" not in request.headers


async def test_the_key_and_the_document_are_the_same_each_time(
    gateway: HttpGateway, make: Make
) -> None:
    provider = make(gateway.url)
    gateway.script.append(answer(503))
    assert await provider.deliver(envelope()) == ambiguous("http_503")
    assert await provider.deliver(envelope(created_at=NOON)) == ACCEPTED
    first, second = gateway.received
    assert (first.headers, first.body) == (second.headers, second.body)


async def test_text_that_is_none_is_refused_without_a_connection(
    gateway: HttpGateway, make: Make
) -> None:
    assert await make(gateway.url).deliver(envelope(body="\ud800")) == Delivery(
        Outcome.REJECTED, "invalid_content"
    )
    assert gateway.opened == 0


async def test_a_gateway_remembers_keys_only_if_it_is_said_to(make: Make) -> None:
    assert make("https://gateway.example").key_window == timedelta(0)
    assert make("https://gateway.example", key_window=timedelta(hours=24)).key_window == timedelta(
        hours=24
    )


# The answer


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (answer(200, b""), ACCEPTED_SOMEHOW),
        (answer(400), Delivery(Outcome.REJECTED, "http_400")),
        (answer(401), unreachable("http_401")),
        (
            answer(429, retry_after="7"),
            Delivery(Outcome.REJECTED, "http_429", ErrorClass.THROTTLED, retry_after=7.0),
        ),
        (
            answer(429, retry_after="Mon, 02 Mar 2026 12:01:00 GMT"),
            Delivery(Outcome.REJECTED, "http_429", ErrorClass.THROTTLED, retry_after=60.0),
        ),
        (answer(500), ambiguous("http_500")),
        (answer(503, retry_after="9"), Delivery(Outcome.AMBIGUOUS, "http_503", retry_after=9.0)),
        (answer(202, b'{"id": "gw-1", "more": "' + b"x" * 1_000_000 + b'"}'), ACCEPTED_SOMEHOW),
        (answer(400, b"x" * 1_000_000), Delivery(Outcome.REJECTED, "http_400")),
        (
            saying(
                b"HTTP/1.1 202 x\r\ntransfer-encoding: chunked\r\n\r\n",
                b'5\r\n{"id"\r\n',
                b'9\r\n: "gw-1"}\r\n0\r\n\r\n',
            ),
            ACCEPTED,
        ),
        (saying(b"HTTP/1.0 202 x\r\n\r\n", b'{"id": "gw-1"}', then_close=True), ACCEPTED),
        (saying(b"HTTP/1.1 100 x\r\n\r\n", response(202, b'{"id": "gw-1"}')), ACCEPTED),
        (saying(*(bytes([each]) for each in response(202, b'{"id": "gw-1"}'))), ACCEPTED),
        (
            saying(b"HTTP/1.1 202 x\r\ncontent-length: 99\r\n\r\n{", then_close=True),
            ACCEPTED_SOMEHOW,
        ),
        (
            saying(b"HTTP/1.1 400 x\r\ncontent-length: 99\r\n\r\n{", then_close=True),
            Delivery(Outcome.REJECTED, "http_400"),
        ),
        (saying(response(202, b"\x1f\x8b\x08junk", content_encoding="gzip")), ACCEPTED_SOMEHOW),
        (saying(b"HTTP/1.1 202", then_close=True), ambiguous("http_answer_lost")),
        (saying(b"HTTP/1.1 202 x\r\n", then_close=True), ambiguous("http_answer_lost")),
        (saying(b"220 mail.example ESMTP\r\n", then_close=True), ambiguous("http_answer_lost")),
        (
            saying(b"HTTP/1.1 202 x\r\n" + b"a: b\r\n" * 50_000 + b"\r\n", then_close=True),
            ambiguous("http_answer_lost"),
        ),
        (saying(then_close=True), ambiguous("http_answer_lost")),
        (reset, ambiguous("http_answer_lost")),
    ],
)
async def test_each_answer_and_break_has_its_outcome(
    gateway: HttpGateway, make: Make, behaviour: Behaviour, expected: Delivery
) -> None:
    gateway.script.append(behaviour)
    provider = make(gateway.url, max_concurrency=1)
    assert await provider.deliver(envelope()) == expected
    assert await provider.deliver(envelope("msg-2")) == ACCEPTED
    assert [request.document["message_id"] for request in gateway.received] == ["msg-1", "msg-2"]


async def test_a_redirect_is_not_followed(gateway: HttpGateway, make: Make) -> None:
    elsewhere = HttpGateway()
    await elsewhere.start()
    gateway.script += [answer(308, location=elsewhere.url), answer(302, location=elsewhere.url)]
    provider = make(gateway.url, token=TOKEN)
    assert await provider.deliver(envelope()) == unreachable("http_308")
    assert await provider.deliver(envelope()) == ambiguous("http_302")
    assert elsewhere.opened == 0
    await elsewhere.stop()


async def test_cookies_of_a_gateway_are_not_kept(gateway: HttpGateway, make: Make) -> None:
    provider = make(gateway.url)
    gateway.script.append(answer(202, set_cookie="session=1"))
    await provider.deliver(envelope("msg-1"))
    await provider.deliver(envelope("msg-2"))
    assert "cookie" not in gateway.received[1].headers


async def test_proxies_and_passwords_of_the_environment_are_not_used(
    gateway: HttpGateway, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await make(gateway.url).deliver(envelope()) == ACCEPTED


async def test_nothing_of_the_gateway_the_token_or_the_message_is_logged(
    gateway: HttpGateway, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    for library in QUIET:
        caplog.set_level(logging.WARNING, library)
    # Last, because it also sets what is caught.
    caplog.set_level(logging.DEBUG)
    gateway.script += [
        answer(400, b"no such user ada@example.com"),
        answer(500, b"ada@example.com"),
        reset,
    ]
    provider = make(gateway.url, token=TOKEN)
    for _ in range(4):
        await provider.deliver(envelope())
    assert caplog.text == ""


# Time


async def test_a_gateway_that_never_answers_leaves_the_message_in_doubt(
    gateway: HttpGateway, make: Make
) -> None:
    gateway.script.append(hang)
    provider = make(gateway.url)
    provider.timeout = SOON
    assert await provider.deliver(envelope()) == ambiguous("http_timeout")
    await gateway.closed.wait()


async def test_an_acceptance_counts_although_its_body_never_ends(
    gateway: HttpGateway, make: Make
) -> None:
    async def begin_and_stall(exchange: Exchange) -> None:
        await exchange.take()
        await exchange.say(b"HTTP/1.1 202 x\r\ncontent-length: 99\r\n\r\n{")
        await exchange.stall()

    gateway.script.append(begin_and_stall)
    provider = make(gateway.url)
    provider.timeout = SOON
    assert await provider.deliver(envelope()) == ACCEPTED_SOMEHOW
    await gateway.closed.wait()


async def test_a_server_that_never_finishes_tls_has_nothing(
    gateway: HttpGateway, make: Make
) -> None:
    provider = make(gateway.url.replace("http:", "https:"), timeout=SOON)
    assert await provider.deliver(envelope()) == unreachable("http_timeout")
    await gateway.closed.wait()
    assert gateway.heads == 0


async def test_it_gives_up_before_its_caller_does_and_knows_what_that_means(
    gateway: HttpGateway, make: Make
) -> None:
    provider = make(gateway.url, timeout=1.0)
    gateway.script.append(hang)
    async with asyncio.timeout(provider.timeout):
        assert await provider.deliver(envelope()) == ambiguous("http_timeout")


async def test_a_message_that_waits_in_vain_for_a_connection_has_not_left(
    gateway: HttpGateway, make: Make
) -> None:
    provider = make(gateway.url, max_concurrency=1)
    gateway.script.append(hang)
    first = asyncio.create_task(provider.deliver(envelope("msg-1")))
    await gateway.hanging.wait()
    provider.timeout = SOON
    assert await provider.deliver(envelope("msg-2")) == unreachable("http_timeout")
    gateway.release.set()
    assert await first == ACCEPTED_SOMEHOW
    assert len(gateway.received) == 1


# Connections


async def test_nobody_listening_is_provably_not_sent(make: Make) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    assert await make(f"http://127.0.0.1:{port}/").deliver(envelope()) == unreachable(
        "http_connect_failed"
    )


async def test_an_unknown_host_is_provably_not_sent(make: Make) -> None:
    assert await make("https://no-such-host.invalid/").deliver(envelope()) == unreachable(
        "http_dns_failed"
    )


async def test_an_untrusted_certificate_gets_nothing(tls_gateway: HttpGateway, make: Make) -> None:
    assert await make(tls_gateway.url, token=TOKEN).deliver(envelope()) == unreachable(
        "http_tls_failed"
    )
    assert tls_gateway.heads == 0


async def test_a_server_that_speaks_no_tls_gets_nothing(gateway: HttpGateway, make: Make) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await make(f"https://127.0.0.1:{port}/").deliver(envelope()) == unreachable(
            "http_tls_failed"
        )


async def test_a_trusted_certificate_is_spoken_to(
    tls_gateway: HttpGateway, certificate: Certificate, make: Make
) -> None:
    provider = make(tls_gateway.url, tls_context=certificate.for_trusting_client())
    assert [await provider.deliver(envelope(each)) for each in ("msg-1", "msg-2")] == [ACCEPTED] * 2
    assert tls_gateway.opened == 1


async def test_one_connection_serves_message_after_message_refusals_between(
    gateway: HttpGateway, make: Make
) -> None:
    provider = make(gateway.url)
    gateway.script += [answer(), answer(400), answer(429), answer(500)]
    for number in range(5):
        await provider.deliver(envelope(f"msg-{number}"))
    assert gateway.opened == 1


async def test_a_kept_connection_that_the_gateway_closed_meanwhile_is_not_used(
    gateway: HttpGateway, make: Make
) -> None:
    provider = make(gateway.url)
    await provider.deliver(envelope("msg-1"))
    gateway.close_idle()
    await gateway.closed.wait()
    assert await provider.deliver(envelope("msg-2")) == ACCEPTED
    assert (gateway.opened, gateway.heads) == (2, 2)


async def test_a_kept_tls_connection_that_the_gateway_closed_meanwhile_is_not_used(
    tls_gateway: HttpGateway, certificate: Certificate, make: Make
) -> None:
    provider = make(tls_gateway.url, tls_context=certificate.for_trusting_client())
    await provider.deliver(envelope("msg-1"))
    tls_gateway.close_idle()
    assert await provider.deliver(envelope("msg-2")) == ACCEPTED
    assert (tls_gateway.opened, tls_gateway.heads) == (2, 2)


async def test_a_connection_closed_while_the_request_is_on_its_way_leaves_it_in_doubt(
    gateway: HttpGateway, make: Make
) -> None:
    provider = make(gateway.url)
    await provider.deliver(envelope("msg-1"))
    gateway.script.append(close_at_head)
    assert await provider.deliver(envelope("msg-2")) == ambiguous("http_answer_lost")
    assert (gateway.opened, gateway.heads, len(gateway.received)) == (1, 2, 1)


async def test_an_idle_connection_is_given_up_before_servers_give_up_theirs(
    gateway: HttpGateway, make: Make
) -> None:
    provider = make(gateway.url, idle_seconds=0.0)
    await provider.deliver(envelope("msg-1"))
    assert await provider.deliver(envelope("msg-2")) == ACCEPTED
    assert gateway.opened == 2


async def test_there_are_never_more_connections_than_slots(
    gateway: HttpGateway, make: Make
) -> None:
    provider = make(gateway.url, max_concurrency=3)
    deliveries = await asyncio.gather(
        *(provider.deliver(envelope(f"msg-{number}")) for number in range(30))
    )
    assert deliveries == [ACCEPTED] * 30
    assert gateway.opened <= 3
    assert gateway.most_busy <= 3


async def test_calls_that_were_cut_short_leave_room_for_others(
    gateway: HttpGateway, make: Make
) -> None:
    provider = make(gateway.url, max_concurrency=2)
    for _ in range(5):
        gateway.script += [hang, hang]
        gateway.hanging.clear()
        calls = [asyncio.create_task(provider.deliver(envelope(each))) for each in "ab"]
        await gateway.hanging.wait()
        for call in calls:
            call.cancel()
        assert all(
            isinstance(each, asyncio.CancelledError)
            for each in await asyncio.gather(*calls, return_exceptions=True)
        )
        gateway.script.clear()
    provider.timeout = SOON
    gateway.script += [hang] * 2
    assert (
        await asyncio.gather(*(provider.deliver(envelope(each)) for each in "cd"))
        == [ambiguous("http_timeout")] * 2
    )
    provider.timeout = NEVER
    assert (
        await asyncio.gather(*(provider.deliver(envelope(each)) for each in "ef")) == [ACCEPTED] * 2
    )


async def test_closing_drops_the_connections(gateway: HttpGateway, make: Make) -> None:
    provider = make(gateway.url)
    await provider.deliver(envelope())
    await provider.close()
    await gateway.closed.wait()
