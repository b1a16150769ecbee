"""A service whose email provider does as a test says, and what operators do with its sends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from server.channels.provider import Delivery, Envelope
from storage.contract.signals import PROGRESS
from storage.model.sends import Send
from tests.support.api.callers import Caller
from tests.support.api.deliveries import SENDS, messages_of, report
from tests.support.api.running import Running
from tests.support.api.scenes import MESSAGING, messaging_campaign, ok, recipients, until
from tests.support.dispatch.scripted import ScriptedProvider

AUDIT = "ops.AuditService"
UNKNOWN = "ops.UnknownMessageService"
People = list[dict[str, str]]
MAX_CONCURRENCY = 5
"""Calls of the provider at once."""
MARKETING_CONCURRENCY = 4
"""Those that sends may have: tests keep them all busy."""


@dataclass
class Operated:
    """A running service and its email provider."""

    running: Running
    provider: ScriptedProvider
    stuck: list[Stuck] = field(default_factory=list)

    def let_go(self) -> None:
        """Lets every call end."""
        for stuck in self.stuck:
            stuck.let_go()
        self.stuck.clear()
        self.provider.let_go()
        self.provider.witness = None

    async def ended(self, api: Caller, send_id: str) -> dict[str, Any]:
        """The report of a send once it has ended; it adds up."""
        await until(
            self.running,
            lambda: ok(api, f"{SENDS}/GetSend", {"id": send_id}),
            "status",
            "completed",
            "cancelled",
        )
        return await report(api, send_id)

    async def send(self, send_id: str) -> Send:
        """The send, read past the API."""
        assert self.running.service.storage is not None
        found = await self.running.service.storage.read(lambda tx: tx.sends.find(send_id))
        assert found is not None
        return found

    async def when(self, send_id: str, field: str, *values: object) -> None:
        """Returns once a field of the send is set, to one of the values if there are any."""
        assert self.running.service.storage is not None
        with self.running.service.storage.signals.subscribe(PROGRESS) as progress:
            while (value := getattr(await self.send(send_id), field)) is None or (
                values and value not in values
            ):
                await progress.wait()
                progress.clear()

    def called(self, people: People) -> list[str]:
        """Those of the people the provider was called for, in order; once for every call."""
        ours = {person["recipient"] for person in people}
        return [address for address in self.provider.addresses() if address in ours]


@dataclass
class Stuck:
    """Calls for some people last until they are let go; others end at once, and so do the first few
    of theirs."""

    operated: Operated
    people: People
    passing: int = 0

    def __post_init__(self) -> None:
        self._open = asyncio.Event()
        self._waiting = asyncio.Condition()
        self._count = 0
        self._addresses = {person["recipient"] for person in self.people}
        self.operated.stuck.append(self)
        self.operated.provider.witness = self._witness

    async def _witness(self, envelope: Envelope) -> None:
        if envelope.address in self._addresses:
            async with self._waiting:
                self._count += 1
                self._waiting.notify_all()
                passes = self._count <= self.passing
            if not passes:
                await self._open.wait()

    async def holds(self, calls: int) -> None:
        """Returns once so many calls are held."""
        async with self._waiting:
            await self._waiting.wait_for(lambda: self._count >= self.passing + calls)

    def let_go(self) -> None:
        """Lets the calls end."""
        self._open.set()


async def publish(api: Caller, brand: str, people: People, **more: Any) -> dict[str, Any]:
    """A send to exactly the people."""
    return await ok(
        api,
        f"{MESSAGING}/PublishCampaign",
        {"id": await messaging_campaign(api, brand), "recipients": people, **more},
    )


async def ended_with(
    operated: Operated, api: Caller, brand: str, *outcomes: Delivery
) -> tuple[dict[str, Any], People]:
    """A send that has ended, to one person for each outcome, and the people."""
    people = recipients(len(outcomes))
    for person, outcome in zip(people, outcomes, strict=True):
        operated.provider.will(person["recipient"], outcome)
    send = await publish(api, brand, people)
    return await operated.ended(api, send["id"]), people


async def message_of(api: Caller, send_id: str, person: dict[str, str]) -> dict[str, Any]:
    """The message of a send to a person."""
    (found,) = [
        each
        for each in await messages_of(api, send_id=send_id)
        if each["recipient"] == person["recipient"]
    ]
    return found


async def audited(api: Caller, subject_id: str, *actions: str) -> list[tuple[str, dict[str, Any]]]:
    """Action and details of the entries about something, first to last; of these actions alone if
    any are given."""
    entries = (await ok(api, f"{AUDIT}/ListAuditEntries", {"subject_id": subject_id}))[
        "audit_entries"
    ]
    return [
        (entry["action"], entry["details"])
        for entry in reversed(entries)
        if not actions or entry["action"] in actions
    ]


async def resolve(api: Caller, resolution: str, *message_ids: str, **more: Any) -> dict[str, Any]:
    """What came of a decision."""
    return await ok(
        api,
        f"{UNKNOWN}/ResolveUnknownMessages",
        {"message_ids": list(message_ids), "resolution": resolution, **more},
    )
