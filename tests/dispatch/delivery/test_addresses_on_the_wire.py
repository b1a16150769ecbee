"""Whatever spelling of an address is accepted, servers and inboxes get, byte for byte, what
suppressions were asked about."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from server.channels.email.smtp import SmtpProvider
from server.channels.webhook.provider import WebhookProvider
from server.commands.messages.schedule import NewMessage, schedule_message
from server.commands.suppressions.create import NewSuppression, create_suppression
from server.domain.errors import ValidationFailed
from storage.contract.gate import Contact
from storage.model.audiences import SkipReason
from storage.model.gate import GateRule
from storage.model.messages import Message
from storage.model.suppressions import SuppressionReason
from storage.sql.aggregates.gate import SqlGate
from tests.support.channels.http_gateway import HttpGateway
from tests.support.channels.mail_server import MAIL_FROM, MailServer
from tests.support.dispatch.stage import BRAND, OTHER, Stage

CHANNELS = ("email", "sms", "in_app")
AROUND = st.sampled_from(["", " ", "\u3000", "\u200b", "\u202a", "\t"])
LOCAL_PARTS = st.text("aZ9.+'ßéÉe\u0301İσς", min_size=1, max_size=12)
DOMAINS = st.sampled_from(
    [
        "example.com",
        "EXAMPLE.com",
        "straße.example.com",
        "Bücher.example",
        "xn--bcher-kva.example",
        "a--b.example",
    ]
)
SPELLINGS = {
    "email": st.builds("{}@{}".format, LOCAL_PARTS, DOMAINS) | st.emails(),
    "sms": st.from_regex(
        r"\+?(1 \(202\) |44 \(0\)20 |351 ?9)[0-9]{3,4}[ -]?[0-9]{4}", fullmatch=True
    ),
    "in_app": st.text("aZ9 ./é\u0301\u00e9", min_size=1, max_size=8),
}
GIVEN = st.one_of(
    [
        st.tuples(st.just(channel), st.builds("{}{}{}".format, AROUND, spelling, AROUND))
        for channel, spelling in SPELLINGS.items()
    ]
)


class Wires:
    """A mail server, an SMS gateway and the inbox, each of them real; and what suppressions were
    asked about."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = stage
        self.mail_server = MailServer()
        self.gateway = HttpGateway()
        self.asked: defaultdict[str, set[str]] = defaultdict(set)
        self._keys = map(str, count())
        find_blocks = SqlGate.find_blocks

        async def noted(
            gate: SqlGate, rule: GateRule, contacts: Iterable[Contact]
        ) -> dict[Contact, SkipReason]:
            contacts = list(contacts)
            self.asked[rule.channel].update(address for _, address in contacts)
            return await find_blocks(gate, rule, contacts)

        monkeypatch.setattr(SqlGate, "find_blocks", noted)

    async def start(self) -> None:
        await self.mail_server.start()
        await self.gateway.start()
        for channel in ("sms", "in_app"):
            await self.stage.template(channel)
        self._smtp = SmtpProvider(
            f"smtp://127.0.0.1:{self.mail_server.port}", MAIL_FROM, max_concurrency=2
        )
        self._sms = WebhookProvider(self.gateway.url, "sms", max_concurrency=2)
        self._workers = (
            self.stage.workers("email", self._smtp),
            self.stage.workers("sms", self._sms),
            self.stage.inbox_worker(),
        )

    async def stop(self) -> None:
        await self._smtp.close()
        await self._sms.close()
        await self.mail_server.stop()
        await self.gateway.stop()

    async def accepted(self, channel: str, address: str) -> Message | None:
        """The message, if it is accepted; on in_app the address is the person."""
        new = NewMessage(
            brand_id=BRAND,
            person_id=address if channel == "in_app" else "ann",
            channel=channel,
            template_key="welcome",
            recipient=address,
            dedup_key=next(self._keys),
            variables={},
            hipaa=False,
            scheduled_at=self.stage.clock.now(),
        )
        try:
            return await self.stage.storage.write(
                lambda tx: schedule_message(tx, self.stage.caller, new)
            )
        except ValidationFailed:
            return None

    async def suppressed(self, channel: str, address: str) -> str:
        """The address that a suppression of this spelling is about; in another brand, where it
        holds nothing back."""
        new = NewSuppression(
            channel=channel, address=address, reason=SuppressionReason.MANUAL, source="test"
        )
        made = await self.stage.storage.write(
            lambda tx: create_suppression(tx, self.stage.caller, OTHER, new)
        )
        return made.address

    async def deliver(self) -> None:
        """All that is due."""
        for workers in self._workers:
            await self.stage.run(workers)

    async def got(self, messages: list[Message]) -> dict[str, set[str]]:
        """What came in at the far ends, by channel; and forgets what servers got."""
        inbox = {
            item.person_id
            for each in messages
            if each.channel == "in_app"
            for item in await self.stage.inbox(each.person_id)
        }
        found = {
            "email": set(self.mail_server.recipients),
            "sms": {json.loads(each.body)["recipient"] for each in self.gateway.received},
            "in_app": inbox,
        }
        self.mail_server.recipients.clear()
        self.gateway.received.clear()
        return found


@pytest.fixture
async def wires(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wires]:
    wires = Wires(stage, monkeypatch)
    await wires.start()
    yield wires
    await wires.stop()


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(GIVEN, min_size=8, max_size=40))
@example(
    [
        ("email", "Mia@straße.example.com"),
        ("email", "JOSE\u0301@Example.com"),
        ("sms", "+44 (0)20 7946 0018"),
        ("in_app", " c-1 "),
    ]
)
async def test_the_wire_gets_what_suppressions_were_asked_about(
    wires: Wires, given_: list[tuple[str, str]]
) -> None:
    wires.asked.clear()
    accepted = []
    for each in given_:
        if (message := await wires.accepted(*each)) is not None:
            accepted.append(message)
            assert await wires.suppressed(*each) == message.recipient
    await wires.deliver()
    kept = {
        channel: {message.recipient for message in accepted if message.channel == channel}
        for channel in CHANNELS
    }
    assert await wires.got(accepted) == kept
    assert {channel: wires.asked[channel] for channel in CHANNELS} == kept


async def test_what_older_rows_have_goes_out_in_normal_form_and_is_held_back_by_it(
    stage: Stage,
) -> None:
    held = await stage.message("ann", recipient="Ann@Example.com")
    free = await stage.message("bob", recipient="Bob@straße.example.com")
    none = await stage.message("cem", recipient="not an email")
    new = NewSuppression(
        channel="email", address="ann@example.com", reason=SuppressionReason.MANUAL, source="test"
    )
    await stage.storage.write(lambda tx: create_suppression(tx, stage.caller, BRAND, new))
    await stage.run(stage.workers())
    assert stage.email.addresses() == ["bob@xn--strae-oqa.example.com"]
    fates = [await stage.fate(each) for each in (held, free, none)]
    assert fates == [("skipped", "suppressed"), ("sent", None), ("failed", "invalid_recipient")]
