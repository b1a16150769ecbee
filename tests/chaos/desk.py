"""Where deliveries are taken in, whatever protocol they came by: behave, write the ledger, then
answer."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.chaos.behaviour import Behaviour, Deed, Fault
from tests.chaos.ledger import Entry, LedgerWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A delivery that has come in whole."""

    message_id: str
    begun: float
    connection: int
    key: str | None = None


class Answers(Protocol):
    """What a connection can do about the delivery it has brought."""

    def accept(self, parcel: Parcel) -> None:
        """Says that it was taken."""

    def refuse(self, reply: str) -> None:
        """Says that it was not."""

    def reset(self) -> None:
        """Breaks the connection without a word."""


class Desk:
    """Takes deliveries in."""

    def __init__(self, ledger: LedgerWriter, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self._ledger = ledger
        self._held: list[Callable[[], None]] = []
        self._connections = 0
        self.open: set[Answers] = set()
        self.deeds: Counter[Deed] = Counter()
        """How often it did what; repeats under a known key are not counted."""
        self._taken = 0
        self._one_more = asyncio.Event()

    def number(self) -> int:
        """A number for a new connection."""
        self._connections += 1
        return self._connections

    def take(self, parcel: Parcel, answers: Answers) -> None:
        """Does with it what the behaviour says. A key that is known gets the first answer again and
        delivers nothing."""
        if parcel.key is not None and parcel.key in self.behaviour.known:
            self._write(parcel, lambda: self._later(lambda: answers.accept(parcel)), replayed=True)
            return
        fault = self.behaviour.next()
        self.deeds[fault.deed] += 1
        if fault.deed is Deed.REFUSE:
            self._later(lambda: answers.refuse(fault.reply))
        elif fault.taken:
            if parcel.key is not None and self.behaviour.keeps_keys:
                self.behaviour.known.add(parcel.key)
            self._write(parcel, lambda: self._go_on(fault, parcel, answers))
        else:
            self._go_on(fault, parcel, answers)

    async def taken_in(self, count: int) -> None:
        """Returns when so many are in the ledger."""
        while self._taken < count:
            self._one_more.clear()
            await self._one_more.wait()

    def release(self) -> None:
        """Answers what is held."""
        held, self._held = self._held, []
        for answer in held:
            answer()

    def hang_up(self) -> None:
        """Resets every connection."""
        for answers in list(self.open):
            answers.reset()

    def _go_on(self, fault: Fault, parcel: Parcel, answers: Answers) -> None:
        if fault.deed is Deed.RESET:
            answers.reset()
        elif fault.deed is Deed.HOLD:
            self._held.append(lambda: answers.accept(parcel))
        elif fault.deed is Deed.ANSWER:
            self._later(lambda: answers.accept(parcel))

    def _write(self, parcel: Parcel, then: Callable[[], None], *, replayed: bool = False) -> None:
        entry = Entry(
            message_id=parcel.message_id,
            begun=parcel.begun,
            at=time.time(),
            connection=parcel.connection,
            replayed=replayed,
        )
        self._ledger.append(entry, lambda: self._written(then))

    def _written(self, then: Callable[[], None]) -> None:
        self._taken += 1
        self._one_more.set()
        then()

    def _later(self, answer: Callable[[], None]) -> None:
        if self.behaviour.delay:
            asyncio.get_running_loop().call_later(self.behaviour.delay, answer)
        else:
            answer()
