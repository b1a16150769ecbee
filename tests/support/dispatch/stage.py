"""A database with a brand, and dispatchers on it whose passes tests run one by one."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import asdict, astuple
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from server.channels.provider import Provider
from server.commands.campaigns.cancel import cancel_campaign
from server.commands.sends.resolve_audience import resolve_audience_batch
from server.commands.sends.start import send_campaign, send_due_campaign
from server.dispatch.delivery.inbox_worker import InboxWorker
from server.dispatch.delivery.provider_workers import ProviderWorkers
from server.dispatch.delivery.renderer import Renderer
from server.dispatch.delivery.restore_guard import RestoreGuard
from server.dispatch.dispatcher import Dispatcher
from server.dispatch.loop import Loop
from server.dispatch.maintenance.audience_resolver import AudienceResolver
from server.dispatch.maintenance.campaign_starter import CampaignStarter
from server.dispatch.maintenance.lease_recoverer import MAX_ATTEMPTS, LeaseRecoverer, key_windows_of
from server.domain.access import Caller, Principal
from server.domain.contacts.addresses import Recipient
from server.domain.contacts.unsubscribe import LinkedContact
from server.domain.delivery.timing import LEASE
from server.domain.faces import Face
from server.domain.scopes import READ_PEOPLE
from storage.contract.storage import Storage, Transaction
from storage.model.brands import BrandPolicy
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.inbox import InboxItem
from storage.model.messages import Attempt, Message, MessageFilter, MessageStatus
from storage.model.programs import Step
from storage.model.sends import Send
from storage.model.templates import TemplateVersion
from storage.sql.open import open_storage
from tests.support.clocks import ManualClock
from tests.support.dispatch.recorded_metrics import RecordedMetrics
from tests.support.dispatch.scripted import ScriptedProvider
from tests.support.dispatch.workers import ChannelWorkers
from tests.support.drift import assert_no_drift
from tests.support.storage import made
from tests.support.storage.scene import claim_due

BRAND = made.BRAND
OTHER = "other"
"""Another brand."""


def unsubscribe_link(contact: LinkedContact) -> str:
    """The link in the mails of these tests."""
    return f"https://carillon.example/v1/unsubscribe/{'/'.join(astuple(contact))}"


def link_in(message: Message) -> str:
    """The link in a one-off."""
    return unsubscribe_link(
        LinkedContact(
            message.brand_id,
            message.person_id,
            message.channel,
            "transactional",
            message.recipient,
        )
    )


_stage: ContextVar[Stage | None] = ContextVar("stage", default=None)
"""Inherited by every task that a test begins, and by theirs."""


class Stage:
    """One database as one process after another sees it."""

    def __init__(self, url: str, storage: Storage, directory: Path) -> None:
        self.url = url
        self.storage = storage
        self.clock = ManualClock()
        self.random = Random(1)  # noqa: S311 - jitter
        self.email = ScriptedProvider()
        self.sms = ScriptedProvider()
        self.sms.name = "scripted_sms"
        self.all_workers: list[ChannelWorkers] = []
        self.metrics = RecordedMetrics()
        self.directory = directory
        self.guard = RestoreGuard(storage, self.clock, directory, self.metrics)
        self.used_up = False
        """The storage it began with is closed, or tasks were ended in the middle of using it."""
        self._opened: list[Storage] = []
        self._dispatchers: list[Dispatcher] = []
        self._begun: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        _stage.set(self)
        asyncio.get_running_loop().set_task_factory(self._make_task)

    # Loops

    def workers(
        self, channel: str = "email", provider: Provider | None = None, **more: Any
    ) -> ChannelWorkers:
        """Both workers of a channel."""
        workers = ChannelWorkers(
            ProviderWorkers(
                channel=channel,
                provider=provider or {"email": self.email, "sms": self.sms}[channel],
                storage=self.storage,
                clock=self.clock,
                renderer=Renderer(self.storage, unsubscribe_link),
                guard=self.guard,
                random=self.random,
                metrics=self.metrics,
                **{"rate": 0, **more},
            )
        )
        self.all_workers.append(workers)
        return workers

    async def start_guard(self) -> None:
        """What a dispatcher does first."""
        self.guard.close()
        self.guard = RestoreGuard(self.storage, self.clock, self.directory, self.metrics)
        await self.guard.start()

    def inbox_worker(self, **more: Any) -> InboxWorker:
        """The worker of in_app."""
        return InboxWorker(
            self.storage, self.clock, Renderer(self.storage, unsubscribe_link), self.metrics, **more
        )

    def audiences(self, resolve: Any = resolve_audience_batch) -> AudienceResolver:
        """The loop that resolves audiences."""
        return AudienceResolver(self.storage, self.clock, resolve)

    def due_campaigns(self, start: Any = send_due_campaign) -> CampaignStarter:
        """The loop that starts campaigns."""
        return CampaignStarter(self.storage, self.clock, start)

    def dispatcher(self, **more: Any) -> Dispatcher:
        """All loops."""
        # The file is for one of them.
        self.guard.close()
        dispatcher = Dispatcher(
            storage=self.storage,
            clock=self.clock,
            providers={"email": self.email, "sms": self.sms},
            start_due=send_due_campaign,
            resolve_batch=resolve_audience_batch,
            unsubscribe_link=unsubscribe_link,
            random=self.random,
            directory=self.directory,
            metrics=self.metrics,
            **more,
        )
        self._dispatchers.append(dispatcher)
        return dispatcher

    async def recover(self) -> None:
        """What a new process does first, and a running one from time to time."""
        await LeaseRecoverer(self.storage, self.clock, self.key_windows, self.metrics).run_once()

    async def lose_leases(self) -> None:
        """Another process takes back the leases that have expired."""
        now, windows = self.clock.now(), self.key_windows
        await self.storage.write(
            lambda tx: tx.messages.recover(
                now, everything=False, key_windows=windows, max_attempts=MAX_ATTEMPTS
            )
        )

    @property
    def key_windows(self) -> dict[str, timedelta]:
        return key_windows_of([self.email, self.sms])

    async def claim(self, channel: str = "email", limit: int = 10) -> list[Message]:
        """Rows that are due, as a worker holds them."""
        now = self.clock.now()
        return await self.storage.write(lambda tx: claim_due(tx, channel, now, now + LEASE, limit))

    async def run(self, loop: Loop) -> None:
        """Passes until there is nothing to do now; calls that were begun have ended."""
        while await loop.run_once():
            pass
        if isinstance(loop, ChannelWorkers):
            await loop.drain()
            if await loop.run_once():
                await self.run(loop)

    # Processes

    async def crash(self) -> None:
        """The process dies: nothing that was going on goes on. The next one has opened the
        database."""
        await self.kill()
        for guard in (self.guard, *(dispatcher.guard for dispatcher in self._dispatchers)):
            guard.close()
        self.used_up = True
        if self.storage.exclusive:
            await self.storage.close()
        self.storage = await self.open()
        await self.start_guard()

    async def kill(self) -> None:
        """Ends every task that was begun on this stage. Services of other tests live on the same
        loop, and so do their tasks."""
        mine = {task for task in self._begun if not task.done()} - {_this_task()}
        self.used_up = self.used_up or bool(mine)
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, work: Any, **more: Any
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **more)
        if _stage.get() is self:
            self._begun.add(task)
        return task

    async def open(self) -> Storage:
        """The database once more, as another process sees it."""
        storage = await open_storage(self.url)
        self._opened.append(storage)
        return storage

    async def close(self) -> None:
        """Checks the counters, lets go of everything but the storage that it began with."""
        asyncio.get_running_loop().set_task_factory(None)
        _stage.set(None)
        self.email.let_go()
        self.sms.let_go()
        await asyncio.gather(*(workers.drain() for workers in self.all_workers))
        await self.assert_no_drift()
        await self.kill()
        self.guard.close()
        for storage in self._opened:
            await storage.close()

    # What is there

    async def template(self, channel: str = "email", **more: Any) -> TemplateVersion:
        """Another version of the template `welcome`."""
        return await self.storage.write(lambda tx: made.put_version(tx, channel=channel, **more))

    async def policy(self, brand_id: str = BRAND, **more: Any) -> None:
        """What a brand wants."""
        policy = BrandPolicy(
            brand_id=brand_id, updated_at=self.clock.now(), updated_by="tester", **more
        )
        await self.storage.write(lambda tx: tx.brands.put_policy(policy))

    async def people(self, count: int, **more: Any) -> list[str]:
        """People of the brand; their ids."""
        people = [
            made.person(f"person-{number:03}", **{"phone": f"+1202555{number:04}", **more})
            for number in range(count)
        ]

        async def put(tx: Transaction) -> None:
            for person in people:
                await tx.people.put(person)

        await self.storage.write(put)
        return [person.person_id for person in people]

    async def message(self, person_id: str = "ann", *, due_in: float = 0, **more: Any) -> Message:
        """A one-off, due in so many seconds."""
        due_at = self.clock.now() + timedelta(seconds=due_in)
        message = made.message(person_id, scheduled_at=due_at, due_at=due_at, **more)
        assert await self.storage.write(lambda tx: tx.messages.insert_unless_duplicate(message))
        return message

    async def messages(self, count: int, **more: Any) -> list[Message]:
        """One-offs that are due, each to somebody else."""
        return [await self.message(f"person-{number:03}", **more) for number in range(count)]

    async def campaign(self, *steps: Step, **more: Any) -> Campaign:
        """A campaign on email, a draft unless it says otherwise. One to a segment has these steps,
        or one of what it says."""
        campaign = made.campaign(**{"subject": None, "variables": {}, **more})

        async def insert(tx: Transaction) -> None:
            await tx.campaigns.insert(campaign)
            if campaign.face == Face.MESSAGING:
                for step in steps or [await _only_step(tx, campaign)]:
                    await tx.steps.insert(campaign.id, step)

        await self.storage.write(insert)
        return campaign

    async def scheduled(self, *, due_in: float = 0, **more: Any) -> Campaign:
        """A campaign to everyone, that comes due by itself."""
        return await self.campaign(
            status=CampaignStatus.SCHEDULED,
            scheduled_at=self.clock.now() + timedelta(seconds=due_in),
            **more,
        )

    async def send(
        self, recipients: int | Sequence[Recipient] = 1, **more: Any
    ) -> tuple[Send, list[Message]]:
        """A send of a new campaign to so many people, and its messages."""
        if isinstance(recipients, int):
            recipients = [
                (f"person-{number:03}", _address(more.get("channel", "email"), number))
                for number in range(recipients)
            ]
        campaign = await self.campaign(**more)
        send = await self.storage.write(
            lambda tx: send_campaign(tx, self.caller, Face.COMMS, campaign.id, recipients)
        )
        if not send.audience_done:
            # More than are begun with at once.
            await self.run(self.audiences())
            send = await self.found_send(send)
        return send, await self.messages_of(send)

    async def publish(self, *steps: Step, **more: Any) -> Send:
        """A send to everyone in the brand."""
        segment = made.segment()
        campaign = await self.campaign(
            *steps, face="messaging", segment_id=segment.id, segment_criteria=None, **more
        )
        await self.storage.write(lambda tx: tx.segments.insert(segment))
        return await self.storage.write(
            lambda tx: send_campaign(tx, self.caller, Face.MESSAGING, campaign.id, None)
        )

    async def cancel(self, send: Send) -> None:
        """Cancels the campaign of a send; returns when that is acknowledged."""
        face = Face((await self.found_campaign(send.campaign_id)).face)
        await self.storage.write(
            lambda tx: cancel_campaign(tx, self.caller, face, send.campaign_id)
        )

    @property
    def caller(self) -> Caller:
        """Somebody who may do everything in both brands."""
        principal = Principal("tester", frozenset({BRAND, OTHER}), frozenset({READ_PEOPLE}))
        return Caller(principal, self.clock.now())

    # What became of it

    async def found(self, message: Message) -> Message:
        found = await self.storage.read(lambda tx: tx.messages.find(message.id))
        assert found is not None
        return found

    async def status(self, message: Message) -> MessageStatus:
        return (await self.found(message)).status

    async def fate(self, message: Message) -> tuple[str, str | None]:
        found = await self.found(message)
        return found.status.value, found.failure_reason

    async def attempts(self, message: Message) -> list[Attempt]:
        return await self.storage.read(lambda tx: tx.messages.list_attempts(message.id, None, 100))

    async def outcomes(self, message: Message) -> list[str]:
        return [attempt.outcome for attempt in await self.attempts(message)]

    async def inbox(self, person_id: str = "ann") -> list[InboxItem]:
        return await self.storage.read(lambda tx: tx.inbox.list_page(BRAND, person_id, None, 100))

    async def found_send(self, send: Send) -> Send:
        found = await self.storage.read(lambda tx: tx.sends.find(send.id))
        assert found is not None
        return found

    async def counted(self, send: Send) -> dict[str, int]:
        """The counters of a send that are not zero."""
        return {
            name: count
            for name, count in asdict((await self.found_send(send)).counters).items()
            if count
        }

    async def found_campaign(self, campaign_id: str) -> Campaign:
        found = await self.storage.read(lambda tx: tx.campaigns.find(campaign_id))
        assert found is not None
        return found

    async def messages_of(self, send: Send) -> list[Message]:
        return await self.storage.read(
            lambda tx: tx.messages.list_page(
                send.brand_id, MessageFilter(send_id=send.id), None, 10_000
            )
        )

    async def sends_of(self, campaign: Campaign) -> list[Send]:
        return await self.storage.read(lambda tx: tx.sends.list_page(campaign.id, None, 100))

    async def assert_no_drift(self) -> None:
        """See `tests.support.drift`."""
        await assert_no_drift(self.storage)


async def _only_step(tx: Transaction, campaign: Campaign) -> Step:
    of = (campaign.brand_id, campaign.channel, campaign.template_key)
    version = await tx.templates.find_version(*of)
    return made.step(
        0,
        channel=campaign.channel,
        template_key=campaign.template_key,
        template_revision=version.revision if version else 1,
        delay_minutes=0,
        variables=campaign.variables,
    )


def _address(channel: str, number: int) -> str:
    """Of the person with this number."""
    return {"email": f"person-{number:03}@example.com", "sms": f"+1202555{number:04}"}.get(
        channel, f"person-{number:03}"
    )


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
