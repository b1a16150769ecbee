from __future__ import annotations

import pytest

from storage.model.campaigns import CampaignStatus
from storage.model.messages import Message, MessageStatus
from storage.model.sends import Counters, SendStatus
from tests.support.storage import made
from tests.support.storage.made import BRAND, KNOWS_KEYS, NOW, SECOND
from tests.support.storage.scene import Scene

TERMINAL = (
    MessageStatus.SENT,
    MessageStatus.FAILED,
    MessageStatus.SKIPPED,
    MessageStatus.EXPIRED,
    MessageStatus.UNKNOWN,
)


async def attempts_of(scene: Scene, row: Message) -> list[str]:
    return [
        each.id
        for each in await scene.storage.read(
            lambda tx: tx.messages.list_attempts(row.id, None, 100)
        )
    ]


@pytest.mark.parametrize("reason", ["why", None])
@pytest.mark.parametrize("status", TERMINAL)
async def test_an_outcome_ends_the_row_keeps_its_attempt_and_moves_the_counters(
    scene: Scene, status: MessageStatus, reason: str | None
) -> None:
    send, _ = await scene.send(2)
    (row,) = await scene.start(1)
    attempt = made.attempt(row, provider_message_id="<id@host>")
    done = made.settlement(row, status, reason=reason, attempt=attempt)
    assert await scene.settle(done, now=NOW + SECOND) == {row.id}
    found = await scene.found(row)
    assert (found.status, found.failure_reason) == (status, reason)
    assert found.sent_at == (NOW + SECOND if status is MessageStatus.SENT else None)
    assert await scene.storage.read(lambda tx: tx.messages.list_attempts(row.id, None, 10)) == [
        attempt
    ]
    counters = (await scene.found_send(send)).counters
    assert counters == Counters(total=2, pending=1, **{status.value: 1})


async def test_a_retry_is_pending_again_from_its_new_due_time(scene: Scene) -> None:
    send, _ = await scene.send(1)
    (row,) = await scene.start()
    await scene.finish(
        [row],
        MessageStatus.PENDING,
        due_at=NOW + 60 * SECOND,
        attempt=made.attempt(row, "rejected"),
    )
    found = await scene.found(row)
    assert (found.status, found.due_at, found.scheduled_at, found.attempts) == (
        MessageStatus.PENDING,
        NOW + 60 * SECOND,
        NOW,
        1,
    )
    assert (await scene.found_send(send)).counters == Counters(total=1, pending=1)
    assert await scene.claim() == []
    (again,) = await scene.claim(now=NOW + 60 * SECOND)
    assert again.lease == 2


async def test_a_mark_whose_provider_was_not_called_is_no_attempt(scene: Scene) -> None:
    await scene.send(1)
    (row,) = await scene.start()
    assert await scene.settle(made.settlement(row, MessageStatus.PENDING)) == {row.id}
    assert (await scene.found(row)).attempts == 0
    (row,) = await scene.start()
    assert await scene.settle(
        made.settlement(row, MessageStatus.PENDING, attempt=made.attempt(row, "rejected"))
    ) == {row.id}
    assert (await scene.found(row)).attempts == 1


@pytest.mark.parametrize("status", [MessageStatus.SENT, MessageStatus.FAILED])
async def test_a_stale_lease_cannot_settle(scene: Scene, status: MessageStatus) -> None:
    send, _ = await scene.send(1)
    (stale,) = await scene.start()
    await scene.finish([stale], MessageStatus.PENDING)
    (fresh,) = await scene.start()
    assert await scene.finish([stale], status) == set()
    assert await scene.status(fresh) is MessageStatus.SENDING
    assert (await scene.found_send(send)).counters.in_flight == 1
    assert await scene.finish([fresh]) == {fresh.id}


async def test_a_second_settlement_changes_nothing(scene: Scene) -> None:
    send, _ = await scene.send(1)
    (row,) = await scene.start()
    assert await scene.finish([row]) == {row.id}
    before = await scene.found(row), await scene.found_send(send)
    assert await scene.finish([row], MessageStatus.FAILED, reason="no") == set()
    assert (await scene.found(row), await scene.found_send(send)) == before


@pytest.mark.parametrize("status", [MessageStatus.SENT, MessageStatus.FAILED])
async def test_a_row_that_is_not_in_the_expected_status_is_not_settled(
    scene: Scene, status: MessageStatus
) -> None:
    await scene.send(1)
    (row,) = await scene.claim()
    assert await scene.finish([row], status) == set()
    assert await scene.status(row) is MessageStatus.LEASED
    await scene.mark([row])
    assert await scene.finish([row], MessageStatus.PENDING, expected=MessageStatus.LEASED) == set()
    assert await scene.status(row) is MessageStatus.SENDING


@pytest.mark.parametrize("held", [0, 1, 2, 3])
async def test_what_is_still_held_of_a_batch_is_settled_and_counted_and_nothing_else(
    scene: Scene, held: int
) -> None:
    """Of two sends and none, so that each is counted where it belongs."""
    first, _ = await scene.send(1)
    second, _ = await scene.send(1)
    await scene.one_off()
    rows = await scene.start()
    lost = rows[held:]
    await scene.finish(lost, MessageStatus.PENDING, due_at=NOW + 60 * SECOND)
    assert await scene.finish(rows) == {row.id for row in rows[:held]}
    for send in (first, second):
        of_send = [row for row in rows if row.send_id == send.id]
        sent = sum(row not in lost for row in of_send)
        assert (await scene.found_send(send)).counters == Counters(
            total=1, sent=sent, pending=1 - sent
        )


async def test_two_settlements_of_a_row_in_one_batch_apply_the_first(scene: Scene) -> None:
    send, _ = await scene.send(1)
    (row,) = await scene.start()
    first, second = made.attempt(row), made.attempt(row, "rejected")
    both = [
        made.settlement(row, MessageStatus.SENT, attempt=first),
        made.settlement(row, MessageStatus.FAILED, attempt=second),
    ]
    assert await scene.settle(*both) == {row.id}
    assert await scene.status(row) is MessageStatus.SENT
    assert (await scene.found_send(send)).counters.sent == 1
    assert await attempts_of(scene, row) == [first.id, second.id]


async def taken_back(scene: Scene, row: Message, status: MessageStatus) -> None:
    """Its worker is taken for dead, and the row has this status."""
    if status is MessageStatus.UNKNOWN:
        assert (await scene.recover()).in_doubt == 1
    else:
        assert (await scene.recover(key_windows=KNOWS_KEYS)).resent == 1
    if status in (MessageStatus.LEASED, MessageStatus.SENDING):
        (again,) = await scene.claim()
        assert again.lease == row.lease + 1
        if status is MessageStatus.SENDING:
            await scene.mark([again])
    assert await scene.status(row) is status


@pytest.mark.parametrize(
    "status", [MessageStatus.UNKNOWN, MessageStatus.PENDING, MessageStatus.LEASED]
)
async def test_a_late_acceptance_turns_a_row_into_sent_that_is_unknown_or_waits_to_be_sent_again(
    scene: Scene, status: MessageStatus
) -> None:
    send, _ = await scene.send(1)
    (row,) = await scene.start()
    await taken_back(scene, row, status)
    current = await scene.found(row)
    late = made.attempt(row)
    assert (
        await scene.settle(made.settlement(row, MessageStatus.SENT, attempt=late), now=NOW + SECOND)
        == set()
    )
    found = await scene.found(row)
    assert (found.status, found.sent_at, found.failure_reason) == (
        MessageStatus.SENT,
        NOW + SECOND,
        None,
    )
    assert (await scene.found_send(send)).counters == Counters(total=1, sent=1)
    assert (await scene.found_send(send)).status is SendStatus.COMPLETED
    assert late.id in await attempts_of(scene, row)
    assert await scene.mark([current]) == set()
    assert await scene.claim() == []


async def test_a_late_acceptance_leaves_a_row_that_is_with_its_provider_again(scene: Scene) -> None:
    await scene.send(1)
    (row,) = await scene.start()
    await taken_back(scene, row, MessageStatus.SENDING)
    assert (
        await scene.settle(made.settlement(row, MessageStatus.SENT, attempt=made.attempt(row)))
        == set()
    )
    assert await scene.status(row) is MessageStatus.SENDING


@pytest.mark.parametrize(
    "status",
    [MessageStatus.PENDING, MessageStatus.FAILED, MessageStatus.UNKNOWN, MessageStatus.EXPIRED],
)
async def test_what_was_accepted_too_late_is_sent_whatever_becomes_of_the_next_call(
    scene: Scene, status: MessageStatus
) -> None:
    send, _ = await scene.send(1)
    (row,) = await scene.start()
    await taken_back(scene, row, MessageStatus.SENDING)
    again = await scene.found(row)
    await scene.settle(made.settlement(row, MessageStatus.SENT, attempt=made.attempt(row)))
    next_call = made.settlement(
        again, status, reason="busy", attempt=made.attempt(again, "rejected")
    )
    assert await scene.settle(next_call, now=NOW + SECOND) == {row.id}
    found = await scene.found(row)
    assert (found.status, found.sent_at, found.failure_reason) == (
        MessageStatus.SENT,
        NOW + SECOND,
        None,
    )
    assert (await scene.found_send(send)).counters == Counters(total=1, sent=1)


async def test_a_late_acceptance_of_a_row_whose_provider_was_not_called_is_none(
    scene: Scene,
) -> None:
    """An inbox item is accepted by being written with the settlement, which a late one is not."""
    row = await scene.one_off(channel="in_app")
    (claimed,) = await scene.claim(channel="in_app")
    await scene.recover()
    item = made.inbox_item(row)
    late = made.settlement(
        claimed,
        MessageStatus.SENT,
        MessageStatus.LEASED,
        attempt=made.attempt(claimed),
        inbox_item=item,
    )
    assert await scene.settle(late) == set()
    assert await scene.status(row) is MessageStatus.PENDING
    assert await scene.storage.read(lambda tx: tx.inbox.list_page(BRAND, "ann", None, 10)) == []


@pytest.mark.parametrize(("outcome", "in_doubt"), [("ambiguous", True), ("rejected", False)])
async def test_a_retry_after_an_ambiguous_call_leaves_the_row_in_doubt(
    scene: Scene, outcome: str, in_doubt: bool
) -> None:
    await scene.one_off()
    (row,) = await scene.start()
    await scene.finish([row], MessageStatus.PENDING, attempt=made.attempt(row, outcome))
    assert (await scene.found(row)).in_doubt is in_doubt
    (again,) = await scene.start()
    assert again.in_doubt is in_doubt
    await scene.finish([again], MessageStatus.PENDING, attempt=made.attempt(again, "rejected"))
    assert (await scene.found(row)).in_doubt is in_doubt


@pytest.mark.parametrize(
    "status", [MessageStatus.FAILED, MessageStatus.SKIPPED, MessageStatus.EXPIRED]
)
async def test_a_row_in_doubt_does_not_end_as_not_sent_but_as_unknown(
    scene: Scene, status: MessageStatus
) -> None:
    send, _ = await scene.send(1)
    (row,) = await scene.start()
    await scene.finish([row], MessageStatus.PENDING, attempt=made.attempt(row, "ambiguous"))
    (again,) = await scene.claim()
    assert await scene.settle(
        made.settlement(again, status, MessageStatus.LEASED, reason="why")
    ) == {row.id}
    found = await scene.found(row)
    assert (found.status, found.failure_reason) == (MessageStatus.UNKNOWN, "in_doubt")
    assert (await scene.found_send(send)).counters == Counters(total=1, unknown=1)


async def test_a_row_in_doubt_can_end_as_sent(scene: Scene) -> None:
    await scene.one_off()
    (row,) = await scene.start()
    await scene.finish([row], MessageStatus.PENDING, attempt=made.attempt(row, "ambiguous"))
    (again,) = await scene.start()
    assert await scene.finish([again]) == {row.id}
    assert await scene.status(row) is MessageStatus.SENT


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("ambiguous", MessageStatus.UNKNOWN), ("rejected", MessageStatus.CANCELLED)],
)
async def test_a_retry_of_a_cancelled_send_ends_as_cancelled_or_as_unknown_if_it_is_in_doubt(
    scene: Scene, outcome: str, status: MessageStatus
) -> None:
    send, _ = await scene.send(1)
    (row,) = await scene.start()
    await scene.storage.write(lambda tx: tx.sends.cancel(send.id, NOW))
    retry = made.settlement(
        row, MessageStatus.PENDING, reason="busy", attempt=made.attempt(row, outcome)
    )
    assert await scene.settle(retry, now=NOW + SECOND) == {row.id}
    found = await scene.found(row)
    assert found.status is status
    if status is MessageStatus.UNKNOWN:
        assert (found.failure_reason, found.cancelled_at) == ("in_doubt", None)
    else:
        assert (found.failure_reason, found.cancelled_at) == ("busy", NOW + SECOND)
    assert (await scene.found_send(send)).counters == Counters(total=1, **{status.value: 1})
    assert (await scene.found_send(send)).completed_at == NOW + SECOND


async def test_a_message_in_doubt_that_is_cancelled_becomes_unknown(scene: Scene) -> None:
    row = await scene.one_off()
    (started,) = await scene.start()
    await scene.finish([started], MessageStatus.PENDING, attempt=made.attempt(started, "ambiguous"))
    assert await scene.storage.write(lambda tx: tx.messages.cancel(row.id, NOW))
    found = await scene.found(row)
    assert (found.status, found.failure_reason, found.cancelled_at) == (
        MessageStatus.UNKNOWN,
        "in_doubt",
        None,
    )
    assert await scene.claim() == []


@pytest.mark.parametrize("outcome", ["rejected", "ambiguous"])
async def test_a_late_result_that_is_no_acceptance_leaves_unknown_but_is_kept(
    scene: Scene, outcome: str
) -> None:
    send, _ = await scene.send(1)
    (row,) = await scene.start()
    await scene.recover()
    late = made.attempt(row, outcome)
    assert await scene.settle(made.settlement(row, MessageStatus.FAILED, attempt=late)) == set()
    assert await scene.status(row) is MessageStatus.UNKNOWN
    assert (await scene.found_send(send)).counters == Counters(total=1, unknown=1)
    assert late.id in await attempts_of(scene, row)


async def test_a_late_acceptance_changes_no_row_that_was_decided(scene: Scene) -> None:
    await scene.send(1)
    (row,) = await scene.start()
    await scene.finish([row], MessageStatus.FAILED, reason="no")
    assert (
        await scene.settle(made.settlement(row, MessageStatus.SENT, attempt=made.attempt(row)))
        == set()
    )
    assert await scene.status(row) is MessageStatus.FAILED


async def test_an_attempt_that_is_there_already_stays_as_it_is(scene: Scene) -> None:
    row = await scene.one_off()
    (row,) = await scene.start()
    attempt = made.attempt(row)
    done = made.settlement(row, MessageStatus.SENT, attempt=attempt)
    assert await scene.settle(done) == {row.id}
    assert await scene.settle(done) == set()
    assert await attempts_of(scene, row) == [attempt.id]


async def test_a_leased_row_can_be_settled_without_its_provider(scene: Scene) -> None:
    send, _ = await scene.send(2)
    first, second = await scene.claim()
    given = [
        made.settlement(first, MessageStatus.SKIPPED, MessageStatus.LEASED, reason="suppressed"),
        made.settlement(second, MessageStatus.PENDING, MessageStatus.LEASED),
    ]
    assert await scene.settle(*given) == {first.id, second.id}
    assert (await scene.found_send(send)).counters == Counters(total=2, pending=1, skipped=1)
    assert (await scene.found(first)).attempts == 0


async def test_an_inbox_item_is_written_with_the_settlement_that_takes_effect_and_only_then(
    scene: Scene,
) -> None:
    row = await scene.one_off(channel="in_app")
    (claimed,) = await scene.claim(channel="in_app")
    item = made.inbox_item(row, title="Hi", body="Zoë")
    sent = made.settlement(
        claimed,
        MessageStatus.SENT,
        MessageStatus.LEASED,
        attempt=made.attempt(claimed),
        inbox_item=item,
    )
    assert await scene.settle(sent) == {row.id}
    assert await scene.settle(sent) == set()
    assert await scene.storage.read(lambda tx: tx.inbox.list_page("brand", "ann", None, 10)) == [
        item
    ]


async def test_an_inbox_is_one_persons_newest_first_and_paged(scene: Scene) -> None:
    for person_id in ("ann", "ann", "bob", "ann"):
        await scene.one_off(person_id=person_id, channel="in_app")
    claimed = await scene.claim(channel="in_app")
    items = [made.inbox_item(row) for row in claimed]
    await scene.settle(
        *(
            made.settlement(row, MessageStatus.SENT, MessageStatus.LEASED, inbox_item=item)
            for row, item in zip(claimed, items, strict=True)
        )
    )
    expected = [
        item
        for item in sorted(items, key=lambda item: item.id, reverse=True)
        if item.person_id == "ann"
    ]
    assert (
        await scene.storage.read(lambda tx: tx.inbox.list_page("brand", "ann", None, 2))
        == expected[:2]
    )
    assert (
        await scene.storage.read(lambda tx: tx.inbox.list_page("brand", "ann", expected[1].id, 2))
        == expected[2:]
    )


async def test_the_last_outcome_completes_the_send_and_its_campaign(scene: Scene) -> None:
    send, _ = await scene.send(2)
    first, second = await scene.start()
    await scene.finish([first])
    assert (await scene.found_send(send)).status is SendStatus.SENDING
    await scene.settle(made.settlement(second, MessageStatus.FAILED), now=NOW + SECOND)
    found = await scene.found_send(send)
    assert (found.status, found.completed_at) == (SendStatus.COMPLETED, NOW + SECOND)
    campaign = await scene.found_campaign(send.campaign_id)
    assert (campaign.status, campaign.sent_at, campaign.updated_at) == (
        CampaignStatus.SENT,
        NOW + SECOND,
        NOW + SECOND,
    )


async def test_a_send_whose_audience_is_not_done_does_not_complete(scene: Scene) -> None:
    send, _ = await scene.send(1, done=False)
    await scene.finish(await scene.start())
    found = await scene.found_send(send)
    assert (found.status, found.completed_at) == (SendStatus.SENDING, None)
    await scene.storage.write(
        lambda tx: tx.sends.advance_audience(send.id, "zoe", done=True, now=NOW + SECOND)
    )
    found = await scene.found_send(send)
    assert (found.status, found.completed_at, found.audience_cursor) == (
        SendStatus.COMPLETED,
        NOW + SECOND,
        "zoe",
    )


async def test_a_batch_over_many_sends_counts_each(scene: Scene) -> None:
    made_sends = [(await scene.send(number))[0] for number in (1, 2, 3)]
    await scene.finish(await scene.start())
    for number, send in enumerate(made_sends, start=1):
        found = await scene.found_send(send)
        assert (found.counters, found.status) == (
            Counters(total=number, sent=number),
            SendStatus.COMPLETED,
        )


async def test_a_large_batch_is_settled_in_one_call(scene: Scene) -> None:
    send, _ = await scene.send(3000)
    started = await scene.start(3000)
    settled = await scene.settle(
        *(made.settlement(row, MessageStatus.SENT, attempt=made.attempt(row)) for row in started)
    )
    assert len(settled) == 3000
    assert (await scene.found_send(send)).status is SendStatus.COMPLETED
