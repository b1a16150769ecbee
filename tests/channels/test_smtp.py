"""What becomes of a message over SMTP, against real servers: sent, provably not sent, or unknown,
and nothing in between."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from server.channels.email.smtp import SmtpProvider
from server.channels.provider import Delivery, Outcome
from server.domain.delivery.retry import ErrorClass
from tests.support.channels.certificate import Certificate, make_certificate
from tests.support.channels.mail_server import MAIL_FROM, MailServer, envelope

REJECTED, AMBIGUOUS = Outcome.REJECTED, Outcome.AMBIGUOUS
UNREACHABLE, THROTTLED, DEFERRED = ErrorClass.UNREACHABLE, ErrorClass.THROTTLED, ErrorClass.DEFERRED
NEVER = 30.0
AT_ONCE = 0.05
Make = Callable[..., SmtpProvider]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[SmtpProvider] = []

    def provider(
        server: MailServer,
        scheme: str = "smtp",
        login: str = "",
        timeout: float = NEVER,
        **options: object,
    ) -> SmtpProvider:
        made.append(
            SmtpProvider(
                f"{scheme}://{login}127.0.0.1:{server.port}",
                MAIL_FROM,
                timeout=timeout,
                **{"max_concurrency": 10, **options},  # type: ignore[arg-type]
            )
        )
        return made[-1]

    yield provider
    for each in made:
        await each.close()


async def test_an_accepted_message_arrives_whole(mail_server: MailServer, make: Make) -> None:
    body = ".\r\n..two\n.\nend" + "x" * 5000
    delivery = await make(mail_server).deliver(envelope(body=body))
    assert delivery == Delivery(Outcome.ACCEPTED, provider_message_id="4XyZ12")
    assert mail_server.recipients == ["ada@example.com"]
    content = mail_server.received[0]
    assert content.startswith(b"From: Carillon <news@acme.example>\r\n")
    assert b"\r\nMessage-ID: <msg-1@acme.example>\r\n" in content


@pytest.mark.parametrize(
    ("command", "reply", "expected"),
    [
        ("MAIL", "451 later", Delivery(REJECTED, "smtp_451", UNREACHABLE)),
        ("MAIL", "530 5.7.0 authentication required", Delivery(REJECTED, "smtp_530", UNREACHABLE)),
        ("MAIL", "552 5.3.4 too large", Delivery(REJECTED, "smtp_552")),
        (
            "RCPT",
            "554 5.7.1 <ada@example.com>: Relay access denied",
            Delivery(REJECTED, "smtp_554", UNREACHABLE),
        ),
        ("RCPT", "450 greylisted ada@example.com", Delivery(REJECTED, "smtp_450", DEFERRED)),
        ("RCPT", "550 no such user ada@example.com", Delivery(REJECTED, "smtp_550")),
        ("DATA", "452 full", Delivery(REJECTED, "smtp_452", DEFERRED)),
        ("DATA", "554 no", Delivery(REJECTED, "smtp_554")),
        ("DATA", "250 what", Delivery(REJECTED, "smtp_protocol_error", DEFERRED)),
        ("DATA", "nonsense", Delivery(REJECTED, "smtp_connection_lost", UNREACHABLE)),
        ("BODY", "451 later", Delivery(REJECTED, "smtp_451", DEFERRED)),
        ("MAIL", "451 4.7.0 too much mail", Delivery(REJECTED, "smtp_451", THROTTLED)),
        ("MAIL", "421 4.3.2 closing", Delivery(REJECTED, "smtp_421", THROTTLED)),
        ("RCPT", "450 4.7.1 Greylisted, come back", Delivery(REJECTED, "smtp_450", DEFERRED)),
        ("RCPT", "450 4.2.2 mailbox full", Delivery(REJECTED, "smtp_450", DEFERRED)),
        ("BODY", "421 4.7.28 unusual rate", Delivery(REJECTED, "smtp_421", THROTTLED)),
        ("BODY", "554 spam from ada@example.com", Delivery(REJECTED, "smtp_554")),
        ("BODY", "354 what", Delivery(AMBIGUOUS, "smtp_protocol_error")),
        ("BODY", "nonsense", Delivery(AMBIGUOUS, "smtp_answer_lost")),
        ("MAIL", "drop", Delivery(REJECTED, "smtp_connection_lost", UNREACHABLE)),
        ("RCPT", "drop", Delivery(REJECTED, "smtp_connection_lost", UNREACHABLE)),
        ("DATA", "drop", Delivery(REJECTED, "smtp_connection_lost", UNREACHABLE)),
        ("BODY", "drop", Delivery(AMBIGUOUS, "smtp_answer_lost")),
    ],
)
async def test_each_refusal_and_break_has_its_outcome(
    mail_server: MailServer, make: Make, command: str, reply: str, expected: Delivery
) -> None:
    mail_server.script[command] = [reply]
    assert await make(mail_server).deliver(envelope()) == expected
    assert mail_server.received == []


async def test_a_server_that_takes_data_for_a_refused_recipient_gets_none(
    mail_server: MailServer, make: Make
) -> None:
    provider = make(mail_server)
    mail_server.script |= {"RCPT": ["550 no such user"], "DATA": ["354 go on"]}
    assert await provider.deliver(envelope("msg-1")) == Delivery(REJECTED, "smtp_550")
    mail_server.script.clear()
    assert (await provider.deliver(envelope("msg-2"))).outcome is Outcome.ACCEPTED
    assert (mail_server.opened, len(mail_server.received)) == (1, 1)


async def test_a_connection_that_says_more_than_it_was_asked_is_not_used_again(
    mail_server: MailServer, make: Make
) -> None:
    provider = make(mail_server)
    mail_server.script["BODY"] = ["250 2.0.0 Ok\r\n250 2.0.0 and again"]
    assert (await provider.deliver(envelope("msg-1"))).outcome is Outcome.ACCEPTED
    mail_server.script["RCPT"] = ["550 no"]
    assert await provider.deliver(envelope("msg-2")) == Delivery(REJECTED, "smtp_550")
    assert mail_server.opened == 2


async def test_a_reply_of_many_lines_is_one_reply(mail_server: MailServer, make: Make) -> None:
    mail_server.script["RCPT"] = [
        "450-4.7.1 Please wait\r\n450-4.7.1 a while\r\n450 4.7.1 and come back"
    ]
    assert await make(mail_server).deliver(envelope()) == Delivery(REJECTED, "smtp_450", THROTTLED)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("MAIL", Delivery(REJECTED, "smtp_timeout", UNREACHABLE)),
        ("DATA", Delivery(REJECTED, "smtp_timeout", UNREACHABLE)),
        ("BODY", Delivery(AMBIGUOUS, "smtp_timeout")),
    ],
)
async def test_out_of_time_is_ambiguous_only_once_the_body_left(
    mail_server: MailServer, make: Make, command: str, expected: Delivery
) -> None:
    provider = make(mail_server)
    await provider.deliver(envelope("warm-up"))
    provider.timeout = AT_ONCE
    mail_server.script[command] = ["hang"]
    assert await provider.deliver(envelope()) == expected
    mail_server.closed.clear()
    provider.timeout = NEVER
    assert (await provider.deliver(envelope("msg-2"))).outcome is Outcome.ACCEPTED
    assert mail_server.opened == 2


async def test_a_server_that_never_greets_is_a_timeout_before_anything_left(make: Make) -> None:
    silent = MailServer()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent.port = listener.getsockname()[1]
        assert await make(silent, timeout=AT_ONCE).deliver(envelope()) == Delivery(
            REJECTED, "smtp_timeout", UNREACHABLE
        )


async def test_a_refused_connection_is_provably_not_sent(make: Make) -> None:
    nobody = MailServer()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody.port = listener.getsockname()[1]
    assert await make(nobody).deliver(envelope()) == Delivery(
        REJECTED, "smtp_connect_failed", UNREACHABLE
    )


async def test_it_gives_up_before_its_caller_does_and_knows_what_that_means(
    mail_server: MailServer, make: Make
) -> None:
    mail_server.script["MAIL"] = ["hang"]
    provider = make(mail_server, timeout=1.0)
    async with asyncio.timeout(provider.timeout):
        assert await provider.deliver(envelope()) == Delivery(REJECTED, "smtp_timeout", UNREACHABLE)


async def test_an_unknown_host_is_provably_not_sent() -> None:
    provider = SmtpProvider("smtp://no-such-host.invalid", MAIL_FROM, max_concurrency=1)
    delivery = await provider.deliver(envelope())
    assert delivery == Delivery(REJECTED, "smtp_dns_failed", UNREACHABLE)


async def test_one_connection_serves_message_after_message_refusals_between(
    mail_server: MailServer, make: Make
) -> None:
    provider = make(mail_server)
    mail_server.script = {"RCPT": [None, "550 no"], "BODY": [None, "451 later"]}
    outcomes = [(await provider.deliver(envelope(f"msg-{number}"))).outcome for number in range(5)]
    assert outcomes == [Outcome.ACCEPTED, REJECTED, REJECTED, Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert (mail_server.opened, len(mail_server.received)) == (1, 3)


async def test_sends_run_side_by_side_up_to_the_slots_and_no_further(
    mail_server: MailServer, make: Make
) -> None:
    provider = make(mail_server, max_concurrency=3)
    mail_server.release.clear()
    sends = [
        asyncio.create_task(provider.deliver(envelope(f"msg-{number}"))) for number in range(12)
    ]
    while mail_server.busy < 3:
        mail_server.hanging.clear()
        await mail_server.hanging.wait()
    mail_server.release.set()
    deliveries = await asyncio.gather(*sends)
    assert {each.outcome for each in deliveries} == {Outcome.ACCEPTED}
    assert (mail_server.opened, mail_server.most_busy, len(mail_server.received)) == (3, 3, 12)


async def test_waiting_for_a_slot_counts_towards_the_time_allowed(
    mail_server: MailServer, make: Make
) -> None:
    provider = make(mail_server, max_concurrency=1)
    mail_server.release.clear()
    first = asyncio.create_task(provider.deliver(envelope("msg-1")))
    await mail_server.hanging.wait()
    provider.timeout = AT_ONCE
    assert await provider.deliver(envelope("msg-2")) == Delivery(
        REJECTED, "smtp_timeout", UNREACHABLE
    )
    mail_server.release.set()
    assert (await first).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("stale", ["drop", "421 idle too long"])
async def test_a_kept_connection_that_went_stale_is_replaced_once_unnoticed(
    mail_server: MailServer, make: Make, stale: str
) -> None:
    provider = make(mail_server)
    await provider.deliver(envelope("msg-1"))
    mail_server.script["MAIL"] = [stale]
    assert (await provider.deliver(envelope("msg-2"))).outcome is Outcome.ACCEPTED
    assert (mail_server.opened, len(mail_server.received)) == (2, 2)


async def test_a_stale_connection_is_replaced_once_only(
    mail_server: MailServer, make: Make
) -> None:
    provider = make(mail_server)
    await provider.deliver(envelope("msg-1"))
    mail_server.script["MAIL"] = ["drop", "drop"]
    assert await provider.deliver(envelope("msg-2")) == Delivery(
        REJECTED, "smtp_connection_lost", UNREACHABLE
    )
    assert mail_server.opened == 2


async def test_a_body_is_never_sent_again_after_its_answer_was_lost_on_a_kept_connection(
    mail_server: MailServer, make: Make
) -> None:
    provider = make(mail_server)
    await provider.deliver(envelope("msg-1"))
    mail_server.script["BODY"] = ["drop"]
    assert await provider.deliver(envelope("msg-2")) == Delivery(AMBIGUOUS, "smtp_answer_lost")
    assert (mail_server.opened, len(mail_server.received)) == (1, 1)


async def test_a_connection_whose_reset_is_refused_is_replaced(
    mail_server: MailServer, make: Make
) -> None:
    provider = make(mail_server)
    mail_server.script = {"RCPT": ["550 no"], "RSET": ["502 no"]}
    await provider.deliver(envelope("msg-1"))
    assert (await provider.deliver(envelope("msg-2"))).outcome is Outcome.ACCEPTED
    assert mail_server.opened == 2


async def test_idle_connections_are_dropped_with_a_goodbye(
    mail_server: MailServer, make: Make
) -> None:
    provider = make(mail_server, idle_seconds=0.01)
    await provider.deliver(envelope("msg-1"))
    await mail_server.said_quit.wait()
    await mail_server.closed.wait()
    assert (await provider.deliver(envelope("msg-2"))).outcome is Outcome.ACCEPTED
    assert mail_server.opened == 2


async def test_closing_says_goodbye(mail_server: MailServer, make: Make) -> None:
    provider = make(mail_server)
    await provider.deliver(envelope())
    await provider.close()
    await mail_server.said_quit.wait()
    await mail_server.closed.wait()


async def test_a_cancelled_send_drops_its_connection_and_passes_on(
    mail_server: MailServer, make: Make
) -> None:
    provider = make(mail_server)
    mail_server.script["BODY"] = ["hang"]
    send = asyncio.create_task(provider.deliver(envelope("msg-1")))
    await mail_server.hanging.wait()
    send.cancel()
    with pytest.raises(asyncio.CancelledError):
        await send
    await mail_server.closed.wait()
    assert (await provider.deliver(envelope("msg-2"))).outcome is Outcome.ACCEPTED
    assert mail_server.opened == 2


async def test_what_could_never_be_mail_is_refused_without_a_connection(
    mail_server: MailServer, make: Make
) -> None:
    mail = envelope(body="half a \ud800 pair")
    assert await make(mail_server).deliver(mail) == Delivery(REJECTED, "invalid_content")
    assert mail_server.opened == 0


async def test_a_mailbox_beyond_ascii_needs_a_server_that_takes_it(
    mail_server: MailServer, make: Make
) -> None:
    assert (
        await make(mail_server).deliver(envelope(address="zoë@xn--bcher-kva.example"))
    ).outcome is Outcome.ACCEPTED
    assert mail_server.recipients == ["zoë@xn--bcher-kva.example"]
    old = MailServer(enable_SMTPUTF8=False)
    await old.start()
    assert await make(old).deliver(envelope(address="zoë@xn--bcher-kva.example")) == Delivery(
        REJECTED, "smtp_utf8_unsupported"
    )
    await old.stop()


@pytest.fixture
async def starttls_server(certificate: Certificate) -> AsyncIterator[MailServer]:
    server = MailServer(tls_context=certificate.for_server(), require_starttls=True)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def tls_server(certificate: Certificate) -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start(tls=certificate.for_server())
    yield server
    await server.stop()


async def test_starttls_is_used_where_offered_and_its_certificate_trusted(
    starttls_server: MailServer, certificate: Certificate, make: Make
) -> None:
    delivery = await make(starttls_server, tls_context=certificate.for_trusting_client()).deliver(
        envelope()
    )
    assert delivery.outcome is Outcome.ACCEPTED


async def test_starttls_with_an_untrusted_certificate_sends_nothing(
    starttls_server: MailServer, make: Make
) -> None:
    assert await make(starttls_server).deliver(envelope()) == Delivery(
        REJECTED, "smtp_tls_failed", UNREACHABLE
    )
    assert starttls_server.received == []


async def test_smtps_is_encrypted_from_the_start(
    tls_server: MailServer, certificate: Certificate, make: Make
) -> None:
    delivery = await make(
        tls_server, scheme="smtps", tls_context=certificate.for_trusting_client()
    ).deliver(envelope())
    assert delivery.outcome is Outcome.ACCEPTED


async def test_smtps_with_an_untrusted_certificate_sends_nothing(
    tls_server: MailServer, make: Make
) -> None:
    delivery = await make(tls_server, scheme="smtps").deliver(envelope())
    assert delivery == Delivery(REJECTED, "smtp_tls_failed", UNREACHABLE)


async def test_a_certificate_for_another_host_is_not_trusted(tmp_path: Path, make: Make) -> None:
    elsewhere = make_certificate(tmp_path, "192.0.2.1")
    server = MailServer()
    await server.start(tls=elsewhere.for_server())
    delivery = await make(
        server, scheme="smtps", tls_context=elsewhere.for_trusting_client()
    ).deliver(envelope())
    assert delivery == Delivery(REJECTED, "smtp_tls_failed", UNREACHABLE)
    await server.stop()


async def test_without_starttls_a_server_beyond_this_host_gets_nothing(
    mail_server: MailServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.channels.email.endpoint.is_loopback", lambda _host: False)
    provider = make(mail_server, login="user:secret@")
    assert await provider.deliver(envelope()) == Delivery(REJECTED, "smtp_tls_failed", UNREACHABLE)
    assert mail_server.received == []


async def test_user_and_password_of_the_url_log_in(make: Make) -> None:
    server = MailServer(auth_require_tls=False)
    server.options["authenticator"] = server.authenticate
    await server.start()
    assert (
        await make(server, login="ada%40acme:p%40ss%2Fword@").deliver(envelope())
    ).outcome is Outcome.ACCEPTED
    assert server.logins == [(b"ada@acme", b"p@ss/word")]
    assert await make(server, login="ada:wrong@").deliver(envelope()) == Delivery(
        REJECTED, "smtp_auth_failed", UNREACHABLE
    )
    await server.stop()


async def test_a_server_that_knows_no_login_gets_no_mail_when_one_is_set(
    mail_server: MailServer, make: Make
) -> None:
    assert await make(mail_server, login="ada:x@").deliver(envelope()) == Delivery(
        REJECTED, "smtp_auth_failed", UNREACHABLE
    )
