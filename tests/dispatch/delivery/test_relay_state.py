"""A relay that turns us away costs nobody their message: it is kept, and goes out when the relay
takes us."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.channels.email.smtp import SmtpProvider
from server.domain.delivery.circuit_breaker import THRESHOLD
from storage.model.messages import MessageStatus
from tests.support.channels.mail_server import MAIL_FROM, MailServer
from tests.support.dispatch.stage import Stage

MESSAGES = 12
TURNED_AWAY = "530 5.7.0 authentication required"


class Relay(MailServer):
    """Turns away everybody at MAIL until it is mended."""

    is_mended = False

    def next_reply(self, command: str) -> str | None:
        return (
            TURNED_AWAY if command == "MAIL" and not self.is_mended else super().next_reply(command)
        )


@pytest.fixture(params=["pipelining", "one_by_one"])
async def relay(request: pytest.FixtureRequest) -> AsyncIterator[Relay]:
    server = Relay(pipelining=request.param == "pipelining")
    await server.start()
    yield server
    await server.stop()


async def test_messages_outlast_a_relay_that_wants_a_login(stage: Stage, relay: Relay) -> None:
    provider = SmtpProvider(f"smtp://127.0.0.1:{relay.port}", MAIL_FROM, max_concurrency=2)
    workers = stage.workers(provider=provider)
    messages = await stage.messages(MESSAGES)

    await stage.run(workers)
    assert {await stage.fate(message) for message in messages} <= {
        ("pending", None),
        ("pending", "smtp_530"),
    }
    attempts = sum([(await stage.found(message)).attempts for message in messages])
    assert THRESHOLD <= attempts < THRESHOLD + provider.max_concurrency
    assert stage.metrics.breakers == [("email", True)]

    relay.is_mended = True
    while (due := await workers.next_due()) is not None:
        stage.clock.advance(max(0.0, (due - stage.clock.now()).total_seconds()))
        await stage.run(workers)
    assert {await stage.status(message) for message in messages} == {MessageStatus.SENT}
    assert len(relay.recipients) == MESSAGES
    await provider.close()
