"""A storage and what has been put into it: steps that many tests take, and the counters' law that
all of them must keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from storage.contract.errors import StorageUnavailable
from storage.contract.storage import Storage, Transaction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.deliveries import Queue, Recovery, Settlement
from storage.model.ids import new_id
from storage.model.messages import Message, MessageFilter, MessageStatus
from storage.model.programs import Enrollment, RecipientOutcome, Step
from storage.model.programs import Sequence as Program
from storage.model.sends import Send
from storage.sql import open_storage
from tests.support.drift import assert_no_drift
from tests.support.storage import made
from tests.support.storage.made import LEASE, MAX_ATTEMPTS, NOW


class Scene:
    """Steps on one storage, each in a transaction of its own."""

    def __init__(self, storage: Storage, url: str) -> None:
        self.storage = storage
        self.url = url

    async def campaign(self, **more: Any) -> Campaign:
        campaign = made.campaign(**more)
        await self.storage.write(lambda tx: tx.campaigns.insert(campaign))
        return campaign

    async def send(
        self, messages: Sequence[Message] | int = 1, *, done: bool = True, **more: Any
    ) -> tuple[Send, list[Message]]:
        """A send of a new campaign that is sending, with these rows (of whatever send they say) or
        this many."""
        campaign = made.campaign(status=CampaignStatus.SENDING)
        send = made.send(campaign.id, **more)
        rows = (
            [
                made.message(f"person-{number:04}", send_id=send.id, channel=send.channel)
                for number in range(messages)
            ]
            if isinstance(messages, int)
            else messages
        )

        async def insert(tx: Transaction) -> None:
            await tx.campaigns.insert(campaign)
            await tx.sends.insert(send)
            await tx.messages.insert_many(rows)
            if done:
                await tx.sends.advance_audience(send.id, None, done=True, now=NOW)

        await self.storage.write(insert)
        return send, list(rows)

    async def one_off(self, **more: Any) -> Message:
        message = made.message(**more)
        assert await self.storage.write(lambda tx: tx.messages.insert_unless_duplicate(message))
        return message

    async def enrolled(
        self, of: Program | None = None, *, add: bool = False, **more: Any
    ) -> Enrollment:
        """Somebody in a sequence, which is added with `add`, or if none is given."""
        sequence = of or made.sequence()
        enrollment = made.enrollment(sequence, **more)

        async def insert(tx: Transaction) -> None:
            if add or of is None:
                await tx.sequences.insert(sequence)
            assert await tx.enrollments.insert(enrollment)

        await self.storage.write(insert)
        return enrollment

    async def enrolling(
        self, *steps: Step, people: int = 1, **more: Any
    ) -> tuple[Send, list[Enrollment]]:
        """A send that has enrolled so many people in these steps, or in two that are a minute
        apart. The first is due."""
        steps = steps or (made.step(1), made.step(2))
        campaign = made.campaign(face="messaging", status=CampaignStatus.SENDING)
        send = made.send(campaign.id, enrolls=True, **more)
        enrolled = [
            made.enrollment(
                made.sequence(*steps, id=campaign.id),
                f"person-{number:04}",
                send_id=send.id,
                outcome=RecipientOutcome.PENDING,
            )
            for number in range(people)
        ]

        async def insert(tx: Transaction) -> None:
            await tx.campaigns.insert(campaign)
            for step in steps:
                await tx.steps.insert(campaign.id, step)
            await tx.sends.insert(send)
            await tx.enrollments.insert_many(enrolled)
            await tx.messages.insert_many(
                send.message(
                    new_id(),
                    each.person_id,
                    each.recipient,
                    None,
                    NOW,
                    step=steps[0],
                    enrollment=each,
                )
                for each in enrolled
            )
            await tx.sends.advance_audience(send.id, None, done=True, now=NOW)

        await self.storage.write(insert)
        return send, enrolled

    async def found_enrollment(self, enrollment: Enrollment) -> Enrollment:
        found = await self.storage.read(lambda tx: tx.enrollments.find(enrollment.id))
        assert found is not None
        return found

    async def steps(self, enrollment: Enrollment) -> list[Message]:
        """The messages of an enrollment, first to last."""
        where = MessageFilter(person_id=enrollment.person_id)
        rows = await self.storage.read(
            lambda tx: tx.messages.list_page(enrollment.brand_id, where, None, 1000)
        )
        ours = [row for row in rows if row.enrollment_id == enrollment.id]
        return sorted(ours, key=lambda row: row.step or 0)

    async def claim(
        self,
        limit: int = 100,
        *,
        channel: str = "email",
        now: datetime = NOW,
        until: datetime = LEASE,
    ) -> list[Message]:
        return await self.storage.write(lambda tx: claim_due(tx, channel, now, until, limit))

    async def mark(
        self, messages: Sequence[Message], *, now: datetime = NOW, until: datetime = LEASE
    ) -> set[str]:
        return await self.storage.write(
            lambda tx: tx.messages.mark_sending(messages, "outbox", now, until)
        )

    async def start(self, limit: int = 100) -> list[Message]:
        """Claims and marks: the rows are with their provider."""
        claimed = await self.claim(limit)
        assert await self.mark(claimed) == {message.id for message in claimed}
        return claimed

    async def queues(self, channel: str = "email") -> list[Queue]:
        return sorted(
            await self.storage.read(lambda tx: tx.messages.list_queues(channel)),
            key=lambda queue: (queue.brand_id, queue.send_id or ""),
        )

    async def recover(
        self,
        *,
        now: datetime = NOW,
        everything: bool = True,
        key_windows: Mapping[str, timedelta] | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> Recovery:
        windows = key_windows or {}
        return await self.storage.write(
            lambda tx: tx.messages.recover(
                now, everything=everything, key_windows=windows, max_attempts=max_attempts
            )
        )

    async def settle(self, *settlements: Settlement, now: datetime = NOW) -> set[str]:
        return await self.storage.write(lambda tx: tx.messages.settle(settlements, now))

    async def finish(
        self, messages: Sequence[Message], status: MessageStatus = MessageStatus.SENT, **more: Any
    ) -> set[str]:
        return await self.settle(
            *(made.settlement(message, status, **more) for message in messages)
        )

    async def found(self, message: Message) -> Message:
        found = await self.storage.read(lambda tx: tx.messages.find(message.id))
        assert found is not None
        return found

    async def status(self, message: Message) -> MessageStatus:
        return (await self.found(message)).status

    async def found_send(self, send: Send) -> Send:
        found = await self.storage.read(lambda tx: tx.sends.find(send.id))
        assert found is not None
        return found

    async def found_campaign(self, campaign_id: str) -> Campaign:
        found = await self.storage.read(lambda tx: tx.campaigns.find(campaign_id))
        assert found is not None
        return found

    async def reopen(self) -> None:
        """Opens the database anew: new connections have what was set for it since."""
        await self.storage.close()
        self.storage = await open_storage(self.url)

    async def assert_no_drift(self) -> None:
        """See `tests.support.drift`. Opens the database again if the test has closed it."""
        try:
            await self.storage.ping()
        except StorageUnavailable:
            self.storage = await open_storage(self.url)
        await assert_no_drift(self.storage)


async def claim_due(
    tx: Transaction, channel: str, now: datetime, lease_until: datetime, limit: int
) -> list[Message]:
    """Claims from all queues of a channel, the one with the earliest row first."""
    claimed: list[Message] = []
    for queue in sorted(await tx.messages.list_queues(channel), key=lambda queue: queue.next_due):
        claimed += await tx.messages.claim(queue, now, lease_until, limit - len(claimed))
    return claimed
