"""One-off messages that are scheduled at the same time: one commit, and each its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import pytest

from server.commands.messages.intake import JoinedInserts, MessageIntake
from server.commands.messages.schedule import NewMessage
from server.dispatch.dispatcher import POLL_EXCLUSIVE, POLL_SHARED
from server.domain.access import Caller, Principal
from server.domain.errors import NotFound, ValidationFailed
from storage.contract.errors import StorageError, StorageUnavailable
from storage.contract.signals import SOON, Signals
from storage.contract.storage import Storage, Transaction
from storage.contract.work import Work
from storage.model.messages import Accepted, Message, MessageFilter
from storage.model.templates import TemplateVariable
from tests.commands.test_dedup_keys import new_message
from tests.support.dispatch.stage import BRAND, Stage
from tests.support.storage import made

T = TypeVar("T")


class CountedWrites:
    """A storage that counts its write transactions, and can hold them up or refuse rows."""

    def __init__(self, inner: Storage) -> None:
        self._inner = inner
        self.writes = 0
        self.go = asyncio.Event()
        self.go.set()
        self.begun = asyncio.Event()
        self.refused: dict[str, Exception] = {}
        """By person: what a transaction that adds a message to them fails with."""
        self.close, self.now, self.ping, self.read = inner.close, inner.now, inner.ping, inner.read

    @property
    def signals(self) -> Signals:
        return self._inner.signals

    @property
    def exclusive(self) -> bool:
        return self._inner.exclusive

    async def write(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        self.writes += 1
        self.begun.set()
        await self.go.wait()

        async def refusing(tx: Transaction) -> T:
            result = await function(tx)
            for person_id, error in self.refused.items():
                if await tx.messages.list_page(BRAND, MessageFilter(person_id=person_id), None, 1):
                    raise error
            return result

        return await self._inner.write(refusing, work)

    async def insert_one_offs(
        self, messages: Sequence[Message], accepted: Sequence[Accepted] = ()
    ) -> set[str]:
        return await self.write(lambda tx: tx.messages.insert_one_offs(messages, accepted))


@pytest.fixture
def storage(stage: Stage) -> CountedWrites:
    """The stage's storage, watched."""
    return CountedWrites(stage.storage)


async def ask(intake: MessageIntake, stage: Stage, *names: str) -> list[Message | BaseException]:
    """Schedules a message to each at the same time."""
    requests = (new_message(stage, person_id=name, dedup_key=name) for name in names)
    return await asyncio.gather(
        *(intake.schedule(stage.caller, request) for request in requests), return_exceptions=True
    )


async def people(stage: Stage) -> list[str]:
    """Who has a message."""
    found = await stage.storage.read(
        lambda tx: tx.messages.list_page(BRAND, MessageFilter(), None, 1000)
    )
    return sorted(message.person_id for message in found)


async def test_messages_that_come_together_share_a_transaction(
    stage: Stage, storage: CountedWrites
) -> None:
    intake = MessageIntake(storage)
    await ask(intake, stage, "first")
    storage.writes = 0
    names = [f"p{number:03}" for number in range(100)]
    answers = await ask(intake, stage, *names)
    assert [answer.person_id for answer in answers if isinstance(answer, Message)] == names
    assert await people(stage) == ["first", *names]
    assert storage.writes == 1


async def test_messages_that_come_during_a_transaction_are_the_next_one(
    stage: Stage, storage: CountedWrites
) -> None:
    intake = MessageIntake(storage)
    await ask(intake, stage, "first")
    storage.go.clear()
    storage.begun.clear()
    storage.writes = 0
    asked = [asyncio.create_task(ask(intake, stage, name)) for name in ("a", "b")]
    await storage.begun.wait()
    asked += [asyncio.create_task(ask(intake, stage, name)) for name in ("c", "d", "e")]
    for _ in range(10):
        await asyncio.sleep(0)
    assert storage.writes == 1
    storage.go.set()
    await asyncio.gather(*asked)
    assert storage.writes == 2
    assert await people(stage) == ["a", "b", "c", "d", "e", "first"]


def test_nobody_sleeps_for_as_long_as_a_message_may_come_without_a_signal() -> None:
    assert max(POLL_EXCLUSIVE, POLL_SHARED) <= SOON.total_seconds() / 2


async def test_a_message_that_comes_alone_does_not_wait_for_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.commands.messages.intake._GATHER_SECONDS", 3600)
    intake = MessageIntake(stage.storage)
    async with asyncio.timeout(30):
        for number in range(5):
            await ask(intake, stage, f"p{number}")


async def test_no_message_is_left_waiting_whenever_it_comes(
    stage: Stage, storage: CountedWrites
) -> None:
    """Each of many callers asks again the moment it is answered, which is when a batch ends."""
    inserts = JoinedInserts(storage)

    async def keep_asking(caller: int) -> None:
        for number in range(30):
            message = made.message(
                dedup_key=f"{caller}-{number}", template_key="welcome", brand_id=BRAND
            )
            assert await inserts.insert(message, Accepted("tester"))

    async with asyncio.timeout(30):
        await asyncio.gather(*(keep_asking(caller) for caller in range(5)))
    assert len(await people(stage)) == 150


async def test_an_error_of_one_message_is_not_that_of_its_neighbours(
    stage: Stage, storage: CountedWrites
) -> None:
    intake = MessageIntake(storage)
    await ask(intake, stage, "first")
    storage.refused["bad"] = StorageError("not this one")
    answers = await ask(intake, stage, "a", "bad", "b")
    assert [
        answer.person_id if isinstance(answer, Message) else str(answer) for answer in answers
    ] == ["a", "not this one", "b"]
    assert await people(stage) == ["a", "b", "first"]


async def test_a_database_that_does_not_answer_fails_all_at_once(
    stage: Stage, storage: CountedWrites
) -> None:
    intake = MessageIntake(storage)
    await ask(intake, stage, "first")
    storage.refused["first"] = StorageUnavailable("gone")
    storage.writes = 0
    answers = await ask(intake, stage, "a", "b", "c")
    assert [str(answer) for answer in answers] == ["gone"] * 3
    assert storage.writes == 1
    storage.refused.clear()
    assert await people(stage) == ["first"]
    await ask(intake, stage, "a")
    assert await people(stage) == ["a", "first"]


async def test_a_caller_that_hangs_up_takes_nothing_from_the_others(
    stage: Stage, storage: CountedWrites
) -> None:
    intake = MessageIntake(storage)
    await ask(intake, stage, "first")
    storage.go.clear()
    asked = [
        asyncio.create_task(
            intake.schedule(stage.caller, new_message(stage, person_id=name, dedup_key=name))
        )
        for name in "abc"
    ]
    for _ in range(10):
        await asyncio.sleep(0)
    asked[1].cancel()
    storage.go.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Message, asyncio.CancelledError, Message]
    assert await people(stage) == ["a", "b", "c", "first"]


async def test_the_latest_revision_is_pinned_and_judged_by_whoever_made_it(stage: Stage) -> None:
    """Another process appends the revision: this one is not told."""
    intake = MessageIntake(stage.storage)
    first = await intake.schedule(stage.caller, new_message(stage))
    other_process = stage.storage if stage.storage.exclusive else await stage.open()
    schema = (TemplateVariable("order", required=True),)
    await other_process.write(lambda tx: made.put_version(tx, brand_id=BRAND, variables=schema))
    second = await intake.schedule(stage.caller, new_message(stage, dedup_key="order-8"))
    assert (first.template_revision, second.template_revision) == (1, 2)
    with pytest.raises(ValidationFailed) as refused:
        await intake.schedule(stage.caller, new_message(stage, dedup_key="order-9", variables={}))
    assert [violation.field for violation in refused.value.violations] == ["variables.order"]
    await other_process.write(lambda tx: made.put_version(tx, brand_id=BRAND))
    assert (
        await intake.schedule(stage.caller, new_message(stage, dedup_key="order-9", variables={}))
    ).template_revision == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"person_id": ""},
        {"recipient": "x" * 513},
        {"template_key": "nowhere"},
        {"channel": "push"},
        {"variables": {"nul": "\0"}},
        {"scheduled_at": made.NOW - timedelta(days=365)},
        {"scheduled_at": made.NOW + timedelta(days=36500)},
    ],
)
async def test_what_is_refused_alone_is_refused_joined(
    stage: Stage, wrong: dict[str, object]
) -> None:
    intake = MessageIntake(stage.storage)
    await intake.schedule(stage.caller, new_message(stage))
    bad: NewMessage = new_message(stage, **{"dedup_key": "order-8", **wrong})
    with pytest.raises(ValidationFailed):
        await intake.schedule(stage.caller, bad)
    assert len(await people(stage)) == 1


async def test_a_brand_of_others_does_not_exist_whatever_is_remembered_of_its_templates(
    stage: Stage,
) -> None:
    intake = MessageIntake(stage.storage)
    await intake.schedule(stage.caller, new_message(stage))
    stranger = Caller(Principal("stranger", frozenset({"other"}), frozenset()), stage.clock.now())
    with pytest.raises(NotFound):
        await intake.schedule(stranger, new_message(stage, dedup_key="order-8"))


async def test_more_templates_than_are_remembered_are_found_all_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.commands.messages.intake._REMEMBERED_TEMPLATES", 2)
    intake = MessageIntake(stage.storage)
    for number in range(5):
        key = f"key-{number}"
        await stage.storage.write(
            lambda tx, key=key: made.put_version(tx, brand_id=BRAND, template_key=key)  # type: ignore[misc]
        )
    for _ in range(2):
        for number in range(5):
            request = new_message(stage, template_key=f"key-{number}", dedup_key=f"{_}-{number}")
            assert (await intake.schedule(stage.caller, request)).template_key == f"key-{number}"
