"""The provider's side of a history: every call that began, and what may have come of it. Storage is
not asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from storage.model.messages import Message, MessageStatus, Resolution
from storage.model.programs import Enrollment, EnrollmentStatus

NOT_SENT = frozenset(
    {MessageStatus.FAILED, MessageStatus.SKIPPED, MessageStatus.EXPIRED, MessageStatus.CANCELLED}
)


class Answer(StrEnum):
    """What a provider said of a call."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    AMBIGUOUS = "ambiguous"
    UNCALLED = "uncalled"
    """Nothing: the message was marked, and then the call was not made."""


@dataclass
class Start:
    """A message went to its provider."""

    at: datetime
    provider: str
    answer: Answer | None = None
    """None: nobody has heard of it yet, and after a crash nobody will."""
    told_in_time: bool = False
    """The answer was written while the row was still held for this call."""
    forgiven: bool = False
    """It was decided that the message may go out again although this call may have had its
    effect."""
    forgotten: bool = False
    """The database was put back to before it."""

    @property
    def may_have_effect(self) -> bool:
        return self.answer not in (Answer.REJECTED, Answer.UNCALLED)


@dataclass
class Account:
    """What is known of one message, apart from its row."""

    starts: list[Start] = field(default_factory=list)
    decided: Resolution | None = None
    """What an operator said of it last; a retry by another send says FAILED."""
    calls_before_resend: int = 0
    """What the provider knows of those does not count for an operator who has it resent."""

    def remembered(self) -> list[Start]:
        """The calls that the database knows of."""
        return [start for start in self.starts if not start.forgotten]

    def decide(self, resolution: Resolution) -> None:
        """An operator says what becomes of it."""
        self.decided = resolution
        if resolution is Resolution.RESEND:
            self.calls_before_resend = len(self.remembered())
            self.forgive()

    def forgive(self) -> None:
        for start in self.starts:
            start.forgiven = start.forgiven or not start.forgotten

    def assert_told_truly(self, row: Message) -> None:
        """The row says what came of its calls."""
        starts = self.remembered()
        counted = [
            start
            for start in starts
            if not (start.answer is Answer.UNCALLED and start.told_in_time)
        ]
        assert row.attempts == len(counted), f"{row.id} has had {len(counted)} calls"
        first = next((start.at for start in starts[self.calls_before_resend :]), None)
        assert row.first_sending_at == first, (
            f"{row.id} was first called at {first}, not {row.first_sending_at}"
        )
        if row.status in NOT_SENT and self.decided is not Resolution.FAILED:
            assert not any(start.may_have_effect for start in starts), (
                f"{row.id} is {row.status}, but may have gone out"
            )
        if row.status is MessageStatus.SENT and self.decided is not Resolution.SENT:
            assert any(start.answer is Answer.ACCEPTED for start in starts), (
                f"{row.id} is sent, but nobody accepted it"
            )
        if row.status is MessageStatus.UNKNOWN:
            assert any(start.may_have_effect or not start.told_in_time for start in starts), (
                f"{row.id} is known not to have gone out"
            )
        if (
            any(start.answer is Answer.ACCEPTED for start in starts)
            and self.decided is not Resolution.FAILED
        ):
            assert row.status in (MessageStatus.SENDING, MessageStatus.SENT), (
                f"{row.id} was accepted, but is {row.status}"
            )


@dataclass
class Ledger:
    """The accounts of all messages, and what may not begin any more."""

    accounts: defaultdict[str, Account] = field(default_factory=lambda: defaultdict(Account))
    cancelled: set[str] = field(default_factory=set)
    """Messages and sends whose cancellation was acknowledged."""
    paused: set[str] = field(default_factory=set)
    """Sends whose pause was acknowledged."""
    made: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How many messages each send was given, beside those of enrollments."""
    delays: dict[str, tuple[timedelta, ...]] = field(default_factory=dict)
    """What each enrollment waits for before each of its steps."""
    planned: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The message of each step of an enrollment, in the order in which they were planned."""

    def assert_planned_in_order(
        self, enrollment: Enrollment, rows: Iterable[Message], now: datetime
    ) -> None:
        """No step was left out, none has a second message, and each waits as long as it should."""
        planned, delays = self.planned[enrollment.id], self.delays[enrollment.id]
        for row in sorted(rows, key=lambda row: row.step or 0):
            assert row.step is not None
            assert row.step <= len(planned), f"{enrollment.id} has left out a step before {row.id}"
            if row.step == len(planned):
                planned.append(row.id)
                assert (row.created_at, row.due_at) == (now, now + delays[row.step])
            assert planned[row.step] == row.id, f"{enrollment.id} runs a step twice: {row.id}"
        assert enrollment.current_step == len(planned) - 1
        if enrollment.status is EnrollmentStatus.COMPLETED:
            assert len(planned) == len(delays), f"{enrollment.id} has not run all of its steps"

    def begin(self, message: Message, provider: str, now: datetime) -> Start:
        """A call begins. That this is all right is the promise."""
        assert message.id not in self.cancelled, f"{message.id} begins after it was cancelled"
        assert message.send_id not in self.cancelled, (
            f"{message.id} begins after its send was cancelled"
        )
        assert message.enrollment_id not in self.cancelled, (
            f"{message.id} begins after its enrollment was cancelled"
        )
        assert message.send_id not in self.paused, f"{message.id} begins while its send is paused"
        assert message.expire_at is None or now < message.expire_at, (
            f"{message.id} begins when it is stale"
        )
        account = self.accounts[message.id]
        assert all(start.forgiven or not start.may_have_effect for start in account.starts), (
            f"{message.id} may go out twice"
        )
        start = Start(now, provider)
        account.starts.append(start)
        return start

    def put_back(self, earlier: Ledger) -> None:
        """The database is as it was, and so is what was said to it; what was called since is not
        undone by that."""
        for message_id, account in self.accounts.items():
            known = earlier.accounts[message_id]
            for start in account.starts[len(known.starts) :]:
                start.forgotten, start.forgiven = True, False
                known.starts.append(start)
        self.accounts, self.cancelled, self.paused = (
            earlier.accounts,
            earlier.cancelled,
            earlier.paused,
        )
        self.made, self.delays, self.planned = earlier.made, earlier.delays, earlier.planned

    def release(self) -> None:
        """Somebody who knows what was put back lets all of it go out again."""
        for account in self.accounts.values():
            for start in account.starts:
                start.forgiven = start.forgiven or start.forgotten
