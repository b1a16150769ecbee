"""Storage and its transactions, which are functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from storage.contract.audit import Audit
from storage.contract.brands import Brands
from storage.contract.campaigns import Campaigns
from storage.contract.consents import Consents
from storage.contract.dispatchers import Dispatchers
from storage.contract.email_events import EmailEvents
from storage.contract.gate import Gate
from storage.contract.idempotency import Idempotency
from storage.contract.inbox import Inbox
from storage.contract.literal_contents import LiteralContents
from storage.contract.messages import Messages
from storage.contract.people import People
from storage.contract.preferences import Preferences
from storage.contract.programs import Enrollments, Sequences, Steps
from storage.contract.push_subscriptions import PushSubscriptions
from storage.contract.rates import Rates
from storage.contract.revocations import Revocations
from storage.contract.segments import Segments
from storage.contract.sends import Sends
from storage.contract.signals import Signals
from storage.contract.suppressions import Suppressions
from storage.contract.templates import Templates
from storage.contract.work import Work
from storage.model.messages import Accepted, Message

T = TypeVar("T")


class Transaction(Protocol):
    """One transaction: what is written is written whole or not at all. In a read, everything seen
    is of one moment; in a write, only what was found with `lock` is sure to stay as it was seen."""

    @property
    def campaigns(self) -> Campaigns: ...
    @property
    def templates(self) -> Templates: ...
    @property
    def people(self) -> People: ...
    @property
    def segments(self) -> Segments: ...
    @property
    def suppressions(self) -> Suppressions: ...
    @property
    def consents(self) -> Consents: ...
    @property
    def preferences(self) -> Preferences: ...
    @property
    def gate(self) -> Gate: ...
    @property
    def push_subscriptions(self) -> PushSubscriptions: ...
    @property
    def email_events(self) -> EmailEvents: ...
    @property
    def idempotency(self) -> Idempotency: ...
    @property
    def sends(self) -> Sends: ...
    @property
    def sequences(self) -> Sequences: ...
    @property
    def steps(self) -> Steps: ...
    @property
    def enrollments(self) -> Enrollments: ...
    @property
    def messages(self) -> Messages: ...
    @property
    def literal_contents(self) -> LiteralContents: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def brands(self) -> Brands: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def rates(self) -> Rates: ...
    @property
    def revocations(self) -> Revocations: ...
    @property
    def dispatchers(self) -> Dispatchers: ...

    async def is_empty(self) -> bool:
        """Whether there is no brand, and so nothing at all."""
        ...


class Storage(Protocol):
    """A database, SQLite or PostgreSQL.

    A transaction is a function of a `Transaction`. It may await that transaction's methods and
    nothing else: it may run on another thread, together with others in one commit, and again from
    the start after a conflict or because one that it ran together with failed, so it must not touch
    anything outside. An exception it raises takes back all of its own writes, and no others, and
    reaches the caller. Cancelling the caller does not cut a write in half: it runs to its end; a
    read is stopped, and the database with it.
    """

    @property
    def signals(self) -> Signals:
        """Fired after commit, on the event loop."""
        ...

    @property
    def exclusive(self) -> bool:
        """Whether this process owns the database alone, so that every lease found at start is
        dead."""
        ...

    async def read(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        """Runs a transaction that only reads. Transactions of one party, `whose` they are, do not
        hold up those of another but for one at a time; those of nobody are a party too. Raises
        StorageUnavailable, TookTooLong."""
        ...

    async def write(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        """Runs a transaction and returns when it is durable; `whose` as in `read`. Raises
        StorageUnavailable, TookTooLong, or WriteConflict after several tries."""
        ...

    async def now(self) -> datetime:
        """The database's clock, which all replicas share. Raises StorageUnavailable."""
        ...

    async def insert_one_offs(
        self, messages: Sequence[Message], accepted: Sequence[Accepted] = ()
    ) -> set[str]:
        """`Messages.insert_one_offs` as a transaction of its own, which takes less than `write`:
        one statement needs no begin and no commit around it. Raises like `write`."""
        ...

    async def ping(self) -> None:
        """Raises StorageUnavailable unless the database answers."""
        ...

    async def close(self) -> None:
        """Waits for running transactions, then lets go of the database. Idempotent."""
        ...
