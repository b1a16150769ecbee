"""Random histories of one database: whatever happens in whatever order, nothing is lost, repeated
or miscounted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from server.channels.provider import Delivery, Envelope, Outcome
from server.domain.delivery.retry import RETRY_POLICIES, ErrorClass
from server.domain.delivery.timing import LEASE
from storage.model.messages import Message, MessageFilter, MessageStatus
from storage.model.sends import Send, SendStatus
from tests.support.dispatch.scripted import ACCEPTED, AMBIGUOUS, BUSY, REFUSED, ScriptedProvider
from tests.support.dispatch.stage import BRAND, Stage

STEPS = 70
POLICY = RETRY_POLICIES[ErrorClass.DEFERRED]
"""That of BUSY."""
FINAL = {MessageStatus.SENT, MessageStatus.FAILED, MessageStatus.CANCELLED, MessageStatus.UNKNOWN}
STAYS = {
    MessageStatus.SENT: {MessageStatus.SENT},
    MessageStatus.FAILED: {MessageStatus.FAILED},
    MessageStatus.CANCELLED: {MessageStatus.CANCELLED},
    MessageStatus.UNKNOWN: {MessageStatus.UNKNOWN, MessageStatus.SENT},
}


class Ledger(ScriptedProvider):
    """Answers by chance, and keeps its own account of every call: what it said, or None where it
    could not say it any more."""

    def __init__(self, chance: Random) -> None:
        super().__init__(max_concurrency=3)
        self._chance = chance
        self.answers: defaultdict[str, list[Delivery | None]] = defaultdict(list)
        self.cancelled: set[str] = set()
        """Messages for which a call must not begin any more."""
        self.called_after_cancel: list[str] = []

    async def deliver(self, envelope: Envelope) -> Delivery:
        if envelope.message_id in self.cancelled:
            self.called_after_cancel.append(envelope.message_id)
        answers = self.answers[envelope.message_id]
        answers.append(None)
        answer = await super().deliver(envelope)
        answer = self._chance.choice([ACCEPTED, ACCEPTED, REFUSED, BUSY, BUSY, AMBIGUOUS])
        answers[-1] = answer
        return answer


class History:
    """One database, one process after another on it."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.chance = Random(seed)  # noqa: S311 - a history that can be repeated
        self.ledger = Ledger(Random(seed))  # noqa: S311
        self.ledger.hold()
        self.workers = stage.workers(provider=self.ledger)
        self.sends: list[Send] = []
        self.made = 0
        self.over: dict[str, MessageStatus] = {}

    async def run(self) -> None:
        """Things happen, then everything comes to its end."""
        rare = [
            self.one_off,
            self.send,
            self.cancel_send,
            self.cancel_message,
            self.wait,
            self.stall,
            self.crash,
        ]
        steps: list[Callable[[], Awaitable[None]]] = [
            *rare,
            *[self.deliver] * 4,
            *[self.answer] * 3,
        ]
        for _ in range(STEPS):
            await self.chance.choice(steps)()
            await self.check()
        self.ledger.let_go()
        for _ in range(POLICY.max_attempts + 1):
            await self.stage.run(self.workers)
            self.stage.clock.advance(POLICY.longest_delay.total_seconds())
            await self.stage.recover()
        await self.check()
        await self.check_end()

    # What happens

    async def one_off(self) -> None:
        await self.stage.message(f"one-{self.made}", due_in=self.chance.choice([-1, 0, 20]))
        self.made += 1

    async def send(self) -> None:
        count = self.chance.randrange(1, 7)
        send, _ = await self.stage.send(count)
        self.sends.append(send)
        self.made += count

    async def deliver(self) -> None:
        await self.workers.run_once()

    async def answer(self) -> None:
        self.ledger.let_go()
        await self.workers.drain()
        self.ledger.hold()

    async def cancel_send(self) -> None:
        running = [
            send
            for send in self.sends
            if (await self.stage.found_send(send)).status is SendStatus.SENDING
        ]
        if running:
            await self.stage.cancel(self.chance.choice(running))
            await self.note_cancelled()

    async def cancel_message(self) -> None:
        messages = await self.messages()
        if messages:
            message = self.chance.choice(messages)
            await self.stage.storage.write(
                lambda tx: tx.messages.cancel(message.id, self.stage.clock.now())
            )
            await self.note_cancelled()

    async def note_cancelled(self) -> None:
        self.ledger.cancelled |= {
            message.id
            for message in await self.messages()
            if message.status is MessageStatus.CANCELLED
        }

    async def wait(self) -> None:
        self.stage.clock.advance(self.chance.choice([1, 10, POLICY.longest_delay.total_seconds()]))

    async def stall(self) -> None:
        """The process stands still until another has taken its leases back, and then goes on."""
        self.stage.clock.advance(LEASE.total_seconds())
        await self.stage.lose_leases()

    async def crash(self) -> None:
        await self.stage.crash()
        await self.stage.recover()
        self.workers = self.stage.workers(provider=self.ledger)

    # What must hold

    async def messages(self) -> list[Message]:
        return await self.stage.storage.read(
            lambda tx: tx.messages.list_page(BRAND, MessageFilter(), None, 10_000)
        )

    async def check(self) -> None:
        await self.stage.assert_no_drift()
        assert self.ledger.most <= self.ledger.max_concurrency
        assert self.ledger.called_after_cancel == []
        messages = await self.messages()
        assert len(messages) == self.made
        for message in messages:
            if message.id in self.over:
                assert message.status in STAYS[self.over[message.id]]
            if message.status in FINAL:
                self.over[message.id] = message.status
        for answers in self.ledger.answers.values():
            # Only what was provably not sent, and may be taken later, is tried again.
            assert all(answer is BUSY for answer in answers[:-1])

    async def check_end(self) -> None:
        for message in await self.messages():
            answers = self.ledger.answers[message.id]
            if message.status is MessageStatus.SENT:
                assert answers[-1] is ACCEPTED
            elif message.status is MessageStatus.FAILED:
                assert (
                    answers[-1] is REFUSED
                    or len(answers) == message.attempts == POLICY.max_attempts
                )
            elif message.status is MessageStatus.CANCELLED:
                assert not answers or answers[-1] is BUSY
            else:
                assert message.status is MessageStatus.UNKNOWN
            accepted = [
                outcome
                for outcome in await self.stage.outcomes(message)
                if outcome == Outcome.ACCEPTED
            ]
            assert len(accepted) == (message.status is MessageStatus.SENT)
        for send in self.sends:
            assert (await self.stage.found_send(send)).completed_at is not None


@pytest.mark.parametrize("seed", range(6))
async def test_no_history_loses_repeats_or_miscounts_a_message(stage: Stage, seed: int) -> None:
    await History(stage, seed).run()
