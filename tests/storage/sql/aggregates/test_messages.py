from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from storage.contract.errors import StorageError, WriteConflict
from storage.contract.signals import SOON, messages
from storage.contract.storage import Transaction
from storage.model.criteria import EVERYONE
from storage.model.ids import new_id
from storage.model.messages import Accepted, Handling, Message, MessageFilter, MessageStatus
from storage.model.sends import ReasonCount, SendStatus
from storage.sql import open_storage
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW, SECOND
from tests.support.storage.scene import Scene


async def test_every_field_of_a_message_comes_back_as_it_was_given(scene: Scene) -> None:
    variables = {
        "name": 'Zoë "quoted" \\ \u0000',
        "nested": {"list": [1, 1.5, None, True]},
        "z": 1,
        "a": 1e22,
    }
    given = made.message(
        dedup_key="key",
        fingerprint="print",
        variables=variables,
        hipaa=True,
        scheduled_at=NOW + SECOND,
        due_at=NOW + 2 * SECOND,
        created_at=NOW + 3 * SECOND,
        expire_at=NOW + 4 * SECOND,
        first_sending_at=NOW + 5 * SECOND,
        in_doubt=True,
        retried_in="send",
    )
    await scene.storage.write(lambda tx: tx.messages.insert_unless_duplicate(given))
    found = await scene.found(given)
    assert found == given
    assert list(found.variables) == list(variables)
    assert isinstance(found.variables["a"], float)


async def test_rows_inserted_in_bulk_come_back_as_they_were_given(scene: Scene) -> None:
    send, _ = await scene.send(0, done=False)
    given = [
        made.message("ann", send_id=send.id, variables={"name": "Zoë \u0000"}, hipaa=True),
        made.message(
            "dan",
            send_id=send.id,
            expire_at=NOW,
            first_sending_at=NOW + SECOND,
            in_doubt=True,
            retried_in="send",
        ),
        made.skip(send.id, "bob", "no_address"),
        made.message(
            "cem",
            send_id=send.id,
            status=MessageStatus.FAILED,
            failure_reason="x",
            sent_at=NOW,
            cancelled_at=NOW + SECOND,
        ),
        made.message("one-off", dedup_key="key", fingerprint="print"),
    ]
    assert await scene.storage.write(lambda tx: tx.messages.insert_many(iter(given))) == 5
    assert [await scene.found(row) for row in given] == given


async def test_an_instant_keeps_its_microseconds_and_comes_back_in_utc(scene: Scene) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))
    given = await scene.one_off(scheduled_at=elsewhere, due_at=elsewhere)
    found = await scene.found(given)
    assert found.due_at == NOW
    assert found.due_at.utcoffset() == timedelta()
    assert found.due_at.microsecond == 123456


@pytest.mark.parametrize("bulk", [False, True])
async def test_a_naive_instant_is_refused_and_nothing_is_written(scene: Scene, bulk: bool) -> None:
    naive = made.message(due_at=datetime(2026, 3, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="offset"):
        await scene.storage.write(
            lambda tx: (
                tx.messages.insert_many([naive])
                if bulk
                else tx.messages.insert_unless_duplicate(naive)
            )
        )
    assert await scene.storage.read(lambda tx: tx.messages.find(naive.id)) is None


async def test_a_number_that_is_not_json_is_refused(scene: Scene) -> None:
    with pytest.raises(ValueError, match="JSON"):
        await scene.one_off(variables={"rate": float("nan")})


async def test_insert_many_counts_each_status_of_each_send(scene: Scene) -> None:
    first, _ = await scene.send(0, done=False)
    second, _ = await scene.send(0, done=False)
    rows = [
        made.message("ann", send_id=first.id),
        made.message("bob", send_id=second.id),
        made.message("cem", send_id=first.id),
        made.skip(first.id, "ann"),
        made.message("dan"),
    ]
    assert await scene.storage.write(lambda tx: tx.messages.insert_many(rows)) == 5
    counters = (await scene.found_send(first)).counters
    assert (counters.total, counters.pending, counters.skipped) == (3, 2, 1)
    assert (await scene.found_send(second)).counters.total == 1


async def test_insert_many_takes_more_rows_than_fit_in_one_statement(scene: Scene) -> None:
    send, _ = await scene.send(12_001)
    assert (await scene.found_send(send)).counters.pending == 12_001


async def test_insert_many_of_nothing_is_nothing(scene: Scene) -> None:
    assert await scene.storage.write(lambda tx: tx.messages.insert_many([])) == 0


async def test_a_send_does_not_get_the_same_address_twice(scene: Scene) -> None:
    send, _ = await scene.send([], done=False)
    await scene.storage.write(
        lambda tx: tx.messages.insert_many([made.message("ann", send_id=send.id)])
    )
    again = made.message("bob", send_id=send.id, recipient="ann@example.com")
    with pytest.raises(WriteConflict):
        await scene.storage.write(lambda tx: tx.messages.insert_many([again]))
    other, _ = await scene.send([], done=False)
    assert (
        await scene.storage.write(
            lambda tx: tx.messages.insert_many([replace(again, send_id=other.id)])
        )
        == 1
    )


async def test_of_an_audience_those_whose_address_the_send_was_given_a_row_for_are_duplicates(
    scene: Scene,
) -> None:
    for person_id, email in {
        "ann": "a@x.org",
        "bob": "b@x.org",
        "cem": "c@x.org",
        "dan": "d@x.org",
        "eve": None,
    }.items():
        await scene.storage.write(
            lambda tx, person_id=person_id, email=email: tx.people.put(
                made.person(person_id, email=email)
            )  # type: ignore[misc]
        )
    send, _ = await scene.send([], done=False)
    other, _ = await scene.send([], done=False)
    cancelled = made.message("y", send_id=send.id, recipient="b@x.org")
    skipped = replace(made.skip(send.id, "z"), recipient="c@x.org")
    rows = [made.message("x", send_id=send.id, recipient="a@x.org"), cancelled, skipped]
    await scene.storage.write(
        lambda tx: tx.messages.insert_many(
            [*rows, made.message("x", send_id=other.id, recipient="d@x.org")]
        )
    )
    await scene.storage.write(lambda tx: tx.messages.cancel(cancelled.id, NOW))

    async def skips(reached_by: str | None) -> list[str | None]:
        members = await scene.storage.read(
            lambda tx: tx.people.list_matching(
                made.rule("email"), EVERYONE, NOW, None, 10, reached_by=reached_by
            )
        )
        return [member.skip_reason for member in members]

    assert await skips(send.id) == ["duplicate", "duplicate", None, None, "no_address"]
    assert await skips(other.id) == [None, None, None, "duplicate", "no_address"]
    assert await skips(None) == [None, None, None, None, "no_address"]


async def test_where_addresses_are_shared_a_send_does_not_get_a_person_at_an_address_twice(
    scene: Scene,
) -> None:
    send, _ = await scene.send([], done=False, allow_shared_addresses=True)
    bob = made.message("bob", send_id=send.id, recipient="ann@example.com")
    assert (
        await scene.storage.write(
            lambda tx: tx.messages.insert_many([made.message("ann", send_id=send.id), bob])
        )
        == 2
    )
    with pytest.raises(WriteConflict):
        await scene.storage.write(
            lambda tx: tx.messages.insert_many([made.message("ann", send_id=send.id)])
        )
    elsewhere = made.message("ann", send_id=send.id, recipient="other@example.com")
    assert await scene.storage.write(lambda tx: tx.messages.insert_many([elsewhere])) == 1


async def test_skips_of_the_same_person_and_address_may_repeat(scene: Scene) -> None:
    send, _ = await scene.send([], done=False)
    rows = [made.message("ann", send_id=send.id), made.skip(send.id), made.skip(send.id)]
    assert await scene.storage.write(lambda tx: tx.messages.insert_many(rows)) == 3


async def test_rows_for_a_send_that_does_not_exist_are_refused(scene: Scene) -> None:
    with pytest.raises(StorageError):
        await scene.storage.write(
            lambda tx: tx.messages.insert_many([made.message(send_id=new_id())])
        )


async def test_rows_for_a_cancelled_send_are_refused(scene: Scene) -> None:
    send, _ = await scene.send(1, done=False)
    await scene.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
    with pytest.raises(StorageError):
        await scene.storage.write(
            lambda tx: tx.messages.insert_many([made.message("late", send_id=send.id)])
        )


async def test_a_dedup_key_is_taken_once_per_brand(scene: Scene) -> None:
    first = await scene.one_off(dedup_key="key")
    again = made.message(dedup_key="key")
    assert not await scene.storage.write(lambda tx: tx.messages.insert_unless_duplicate(again))
    assert await scene.storage.read(lambda tx: tx.messages.find_by_dedup_key(BRAND, "key")) == first
    await scene.one_off(dedup_key="key", brand_id="other")
    await scene.one_off()
    await scene.one_off()


async def test_of_many_inserts_of_one_dedup_key_at_once_one_adds_and_all_find_it(
    scene: Scene,
) -> None:
    async def insert(_: int) -> tuple[bool, str]:
        async def once(tx):  # type: ignore[no-untyped-def]
            added = await tx.messages.insert_unless_duplicate(made.message(dedup_key="key"))
            return added, (await tx.messages.find_by_dedup_key(BRAND, "key")).id

        return await scene.storage.write(once)

    results = await asyncio.gather(*(insert(number) for number in range(12)))
    assert [added for added, _ in results].count(True) == 1
    assert len({message_id for _, message_id in results}) == 1


async def test_what_is_not_there_is_none(scene: Scene) -> None:
    assert await scene.storage.read(lambda tx: tx.messages.find("nobody")) is None
    assert (
        await scene.storage.read(lambda tx: tx.messages.find_by_dedup_key(BRAND, "nothing")) is None
    )
    assert await scene.queues() == []


async def test_a_list_is_newest_first_and_keeps_to_its_brand_and_filters(scene: Scene) -> None:
    _, (in_send,) = await scene.send(1)
    ann = await scene.one_off(person_id="ann", dedup_key="key")
    bob = await scene.one_off(person_id="bob", channel="sms")
    await scene.one_off(brand_id="other")
    (leased,) = await scene.claim(channel="sms")
    assert leased.id == bob.id

    async def listed(**filters: object) -> list[str]:
        where = MessageFilter(**filters)  # type: ignore[arg-type]
        return [
            row.id
            for row in await scene.storage.read(
                lambda tx: tx.messages.list_page(BRAND, where, None, 10)
            )
        ]

    assert await listed() == [bob.id, ann.id, in_send.id]
    assert await listed(person_id="ann") == [ann.id]
    assert await listed(send_id=in_send.send_id) == [in_send.id]
    assert await listed(dedup_key="key") == [ann.id]
    theirs = MessageFilter(send_id=in_send.send_id)
    assert (
        await scene.storage.read(lambda tx: tx.messages.list_page("other", theirs, None, 10)) == []
    )
    assert await listed(status=MessageStatus.PENDING) == [bob.id, ann.id, in_send.id]
    assert await listed(status=MessageStatus.SENT) == []
    assert await listed(person_id="bob", status=MessageStatus.PENDING) == [bob.id]


async def test_paging_sees_every_row_once_although_rows_are_added_meanwhile(scene: Scene) -> None:
    expected = [(await scene.one_off(person_id=f"p{number}")).id for number in range(7)]
    seen: list[str] = []
    after = None
    while page := await scene.storage.read(
        lambda tx, after=after: tx.messages.list_page(BRAND, MessageFilter(), after, 3)  # type: ignore[misc]
    ):
        seen += [row.id for row in page]
        after = seen[-1]
        await scene.one_off()
    assert seen == expected[::-1]


async def test_reasons_are_counted_from_the_rows_in_order(scene: Scene) -> None:
    send, _ = await scene.send([], done=False)
    rows = [
        made.message("ann", send_id=send.id),
        made.message("bob", send_id=send.id),
        made.skip(send.id, "cem", "no_address"),
        made.skip(send.id, "dan", "duplicate"),
        made.skip(send.id, "eve", "duplicate"),
    ]
    await scene.storage.write(lambda tx: tx.messages.insert_many(rows))
    await scene.claim(1)
    assert await scene.storage.read(lambda tx: tx.messages.count_by_reason(send.id)) == [
        ReasonCount(status=status, reason=reason, template_revision=1, count=count)
        for status, reason, count in (
            (MessageStatus.PENDING, None, 2),
            (MessageStatus.SKIPPED, "duplicate", 2),
            (MessageStatus.SKIPPED, "no_address", 1),
        )
    ]


async def test_a_pending_or_leased_message_can_be_cancelled_once(scene: Scene) -> None:
    pending, leased = await scene.one_off(due_at=NOW + SECOND), await scene.one_off()
    await scene.claim()
    for row in (pending, leased):
        assert await scene.storage.write(lambda tx, row=row: tx.messages.cancel(row.id, NOW))  # type: ignore[misc]
        found = await scene.found(row)
        assert (found.status, found.cancelled_at) == (MessageStatus.CANCELLED, NOW)
        assert not await scene.storage.write(lambda tx, row=row: tx.messages.cancel(row.id, NOW))  # type: ignore[misc]
    assert not await scene.storage.write(lambda tx: tx.messages.cancel("nobody", NOW))


async def test_a_message_that_is_with_its_provider_is_not_cancelled(scene: Scene) -> None:
    await scene.one_off()
    (started,) = await scene.start()
    assert not await scene.storage.write(lambda tx: tx.messages.cancel(started.id, NOW))
    assert await scene.finish([started]) == {started.id}


async def test_cancelling_the_last_message_of_a_send_completes_it(scene: Scene) -> None:
    send, (row,) = await scene.send(1)
    await scene.storage.write(lambda tx: tx.messages.cancel(row.id, NOW + SECOND))
    found = await scene.found_send(send)
    assert (found.status, found.completed_at, found.counters.cancelled) == (
        SendStatus.COMPLETED,
        NOW + SECOND,
        1,
    )


async def test_a_cancelled_message_is_not_claimed_and_its_worker_cannot_mark_it(
    scene: Scene,
) -> None:
    row = await scene.one_off()
    (claimed,) = await scene.claim()
    await scene.storage.write(lambda tx: tx.messages.cancel(row.id, NOW))
    assert await scene.mark([claimed]) == set()
    assert await scene.claim() == []


async def test_attempts_are_listed_first_to_last_and_paged(scene: Scene) -> None:
    row = await scene.one_off()
    attempts = [made.attempt(row, "rejected", number=number, reason="busy") for number in (1, 2, 3)]
    for each in attempts:
        await scene.settle(made.settlement(row, MessageStatus.PENDING, attempt=each))
    assert (
        await scene.storage.read(lambda tx: tx.messages.list_attempts(row.id, None, 2))
        == attempts[:2]
    )
    assert (
        await scene.storage.read(lambda tx: tx.messages.list_attempts(row.id, attempts[1].id, 2))
        == attempts[2:]
    )


async def test_a_message_given_back_changes_nothing_but_what_it_must(scene: Scene) -> None:
    row = await scene.one_off(variables={"a": 1})
    (claimed,) = await scene.claim()
    await scene.finish([claimed], MessageStatus.PENDING, expected=MessageStatus.LEASED)
    assert await scene.found(row) == replace(row, lease=1)


OneOffs = Callable[..., Awaitable[set[str]]]


@pytest.fixture(params=["in a transaction", "alone"])
def one_offs(request: pytest.FixtureRequest, scene: Scene) -> OneOffs:
    """Adds one-offs."""

    async def add(*given: Message) -> set[str]:
        if request.param == "alone":
            return await scene.storage.insert_one_offs(given)
        return await scene.storage.write(lambda tx: tx.messages.insert_one_offs(given))

    return add


async def test_one_offs_come_back_as_they_were_given(scene: Scene, one_offs: OneOffs) -> None:
    await scene.storage.write(made.put_version)
    given = [
        made.message(
            "ann",
            dedup_key="1",
            fingerprint="print",
            variables={"name": 'Zoë "quoted" \\ \u0000', "z": 1e22},
            hipaa=True,
        ),
        made.message(
            "bob",
            dedup_key="2",
            scheduled_at=NOW + SECOND,
            due_at=NOW + 2 * SECOND,
            created_at=NOW + 3 * SECOND,
        ),
        made.message("cem", recipient="😀\n", variables={"list": [1, 1.5, None, True, {"a": []}]}),
    ]
    assert await one_offs(*given) == {row.id for row in given}
    assert [await scene.found(row) for row in given] == given
    assert isinstance((await scene.found(given[0])).variables["z"], float)


async def test_of_one_offs_with_one_key_the_first_is_added_whoever_brings_it(
    scene: Scene, one_offs: OneOffs
) -> None:
    await scene.storage.write(made.put_version)
    old = await scene.one_off(dedup_key="taken")
    taken, twice, again = (
        made.message(dedup_key="taken"),
        made.message(dedup_key="twice"),
        made.message("bob", dedup_key="twice"),
    )
    elsewhere, keyless = made.message(brand_id="other", dedup_key="taken"), made.message()
    await scene.storage.write(lambda tx: made.put_version(tx, brand_id="other"))
    assert await one_offs(taken, twice, again, elsewhere, keyless) == {
        twice.id,
        elsewhere.id,
        keyless.id,
    }
    assert await scene.storage.read(lambda tx: tx.messages.find_by_dedup_key(BRAND, "taken")) == old
    assert await one_offs(again) == set()


async def test_a_one_off_that_was_added_before_is_there_and_not_added_again(
    scene: Scene, one_offs: OneOffs
) -> None:
    """Whoever does not know whether its commit took effect tries again."""
    await scene.storage.write(made.put_version)
    keyed, keyless = made.message(dedup_key="key"), made.message()
    for _ in range(2):
        assert await one_offs(keyed, keyless) == {keyed.id, keyless.id}
    assert (
        len(
            await scene.storage.read(
                lambda tx: tx.messages.list_page(BRAND, MessageFilter(), None, 10)
            )
        )
        == 2
    )


async def test_a_one_off_is_not_added_unless_its_revision_is_the_latest_of_its_template(
    scene: Scene, one_offs: OneOffs
) -> None:
    for where in ({}, {}, {"channel": "sms"}, {"template_key": "other", "brand_id": "other"}):
        await scene.storage.write(lambda tx, where=where: made.put_version(tx, **where))  # type: ignore[misc]
    latest, old, unmade = (made.message(template_revision=revision) for revision in (2, 1, 3))
    nowhere, elsewhere = (
        made.message(template_key="other"),
        made.message(channel="sms", template_revision=2),
    )
    assert await one_offs(old, latest, unmade, nowhere, elsewhere) == {latest.id}


async def test_no_one_off_is_added_once_its_template_is_archived(
    scene: Scene, one_offs: OneOffs
) -> None:
    for key in ("welcome", "other"):
        await scene.storage.write(lambda tx, key=key: made.put_version(tx, template_key=key))  # type: ignore[misc]
    before, after, other = (
        made.message(),
        made.message(dedup_key="after"),
        made.message(template_key="other"),
    )
    assert await one_offs(before) == {before.id}

    async def archive(tx: Transaction) -> None:
        template = await tx.templates.find_by_key(BRAND, "email", "welcome")
        assert template is not None
        await tx.templates.replace(replace(template, archived_at=NOW))

    await scene.storage.write(archive)
    assert await one_offs(after, other) == {other.id}


async def test_one_offs_fire_their_channel_unless_they_are_due_later_than_anybody_sleeps(
    scene: Scene, one_offs: OneOffs
) -> None:
    await scene.storage.write(made.put_version)
    with scene.storage.signals.subscribe(messages("email")) as fired:
        await one_offs(made.message(due_at=NOW + SOON + SECOND))
        assert not fired.is_set()
        await one_offs(made.message(due_at=NOW + SOON + SECOND), made.message(due_at=NOW + SOON))
        assert fired.is_set()
        fired.clear()
        await one_offs(made.message(template_revision=7))
        assert not fired.is_set()


async def test_one_offs_at_the_same_time_with_each_others_keys_are_added_once(
    scene: Scene, one_offs: OneOffs
) -> None:
    await scene.storage.write(made.put_version)
    keys = [f"key-{number}" for number in range(40)]
    batches = [
        [made.message(dedup_key=key) for key in order]
        for order in (keys, keys[::-1], keys, keys[::-1])
    ]
    added = await asyncio.gather(*(one_offs(*batch) for batch in batches))
    assert sum(map(len, added)) == len(set().union(*added)) == 40


async def test_one_offs_that_cannot_be_written_leave_nothing_of_their_neighbours(
    scene: Scene, one_offs: OneOffs
) -> None:
    await scene.storage.write(made.put_version)
    good, without_address = made.message(), made.message(recipient=None)
    with pytest.raises(StorageError):
        await one_offs(good, without_address)
    assert await scene.storage.read(lambda tx: tx.messages.find(good.id)) is None
    assert await one_offs(good) == {good.id}


async def test_one_offs_are_there_when_the_database_is_opened_again(
    scene: Scene, one_offs: OneOffs
) -> None:
    await scene.storage.write(made.put_version)
    given = made.message()
    await one_offs(given)
    await scene.storage.close()
    reopened = await open_storage(scene.url)
    try:
        assert await reopened.read(lambda tx: tx.messages.find(given.id)) == given
    finally:
        await reopened.close()


async def test_who_had_a_one_off_accepted_is_kept_with_it(scene: Scene) -> None:
    await scene.storage.write(made.put_version)
    together = [made.message(f"p-{number}", dedup_key=f"key-{number}") for number in range(3)]
    by = [Accepted("ann", "request-1"), Accepted("bob"), Accepted("ann", "request-3")]
    assert len(await scene.storage.insert_one_offs(together, by)) == 3
    alone, nobodys = made.message(dedup_key="alone"), made.message(dedup_key="nobodys")
    assert await scene.storage.write(
        lambda tx: tx.messages.insert_unless_duplicate(alone, Accepted("eve", "request-4"))
    )
    assert await scene.storage.write(lambda tx: tx.messages.insert_unless_duplicate(nobodys))
    for message, accepted in zip(
        [*together, alone], [*by, Accepted("eve", "request-4")], strict=True
    ):
        found = await scene.storage.read(
            lambda tx, message=message: tx.messages.find_accepted(message.id)  # type: ignore[misc]
        )
        assert found == (message, accepted)
    assert await scene.storage.read(lambda tx: tx.messages.find_accepted(nobodys.id)) is None
    assert await scene.storage.read(lambda tx: tx.messages.find_accepted("no-such-message")) is None


async def test_messages_are_found_by_many_keys_of_their_brand(scene: Scene) -> None:
    ours = [await scene.one_off(dedup_key=key) for key in ("a", "b")]
    await scene.one_off(dedup_key="a", brand_id="other")
    found = await scene.storage.read(
        lambda tx: tx.messages.find_by_dedup_keys(BRAND, ["a", "b", "b", "none"])
    )
    assert found == {message.dedup_key: message for message in ours}
    assert await scene.storage.read(lambda tx: tx.messages.find_by_dedup_keys(BRAND, [])) == {}


async def test_the_way_of_a_message_is_known_beside_its_record(scene: Scene) -> None:
    message = await scene.one_off()

    async def handling() -> Handling | None:
        return await scene.storage.read(lambda tx: tx.messages.find_handling(message.id))

    fresh = Handling(accepted_by=None, claimed_at=None, provider=None, sending_at=None)
    assert await handling() == fresh
    claimed = await scene.claim(now=NOW + SECOND)
    assert await handling() == replace(fresh, claimed_at=NOW + SECOND)
    await scene.mark(claimed, now=NOW + 2 * SECOND)
    assert await handling() == replace(
        fresh, claimed_at=NOW + SECOND, provider="outbox", sending_at=NOW + 2 * SECOND
    )
    assert await scene.storage.read(lambda tx: tx.messages.find_handling("none")) is None
