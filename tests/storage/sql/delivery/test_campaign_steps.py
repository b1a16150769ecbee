"""Steps of campaigns: messages of enrollments that are a send's too, and recipients counted once
they are over."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime

import pytest

from storage.contract.storage import Transaction
from storage.model.campaigns import CampaignStatus
from storage.model.ids import new_id
from storage.model.messages import Message, MessageStatus, Resolution
from storage.model.programs import PERSON_DELETED, Enrollment, EnrollmentStatus, RecipientOutcome
from storage.model.sends import CancelReceipt, Counters, Recipients, Send, SendStatus
from storage.sql.delivery import cancellations
from tests.support.storage import made
from tests.support.storage.made import BRAND, KNOWS_KEYS, NOW, SECOND
from tests.support.storage.scene import Scene

MINUTE = 60 * SECOND
THEN = NOW + MINUTE
S = MessageStatus


async def started(scene: Scene, *, now: datetime = NOW) -> list[Message]:
    """What is due on email, by person, with its provider."""
    rows = await scene.claim(now=now, until=now + 30 * SECOND)
    assert await scene.mark(rows, now=now, until=now + 30 * SECOND) == {row.id for row in rows}
    return sorted(rows, key=lambda row: row.person_id)


async def end(
    scene: Scene, *ends: MessageStatus, now: datetime = NOW, reason: str | None = None
) -> None:
    """What is due on email ends so, person by person."""
    rows = await started(scene, now=now)
    assert len(rows) == len(ends)
    settlements = [
        made.settlement(row, status, reason=reason) for row, status in zip(rows, ends, strict=True)
    ]
    assert await scene.settle(*settlements, now=now) == {row.id for row in rows}


async def recipients(scene: Scene, send: Send) -> dict[str, int]:
    """The counts of recipients that are not zero."""
    found = (await scene.found_send(send)).recipients
    return {name: count for name, count in asdict(found).items() if count}


async def statuses(scene: Scene, enrollment: Enrollment) -> list[MessageStatus]:
    return [row.status for row in await scene.steps(enrollment)]


async def test_a_send_ends_when_everybody_has_been_through_all_steps(scene: Scene) -> None:
    send, _ = await scene.enrolling(people=4)
    await end(scene, S.SENT, S.FAILED, S.SENT, S.SKIPPED)
    between = await scene.found_send(send)
    assert between.counters == Counters(total=8, pending=4, sent=2, failed=1, skipped=1)
    assert (between.status, between.recipients) == (SendStatus.SENDING, Recipients(pending=4))
    await end(scene, S.SENT, S.SENT, S.UNKNOWN, S.SKIPPED, now=THEN)
    done = await scene.found_send(send)
    assert done.counters == Counters(total=8, sent=4, failed=1, unknown=1, skipped=2)
    assert done.recipients == Recipients(sent=1, failed=2, skipped=1)
    assert (done.status, done.completed_at) == (SendStatus.COMPLETED, THEN)
    assert (await scene.found_campaign(send.campaign_id)).status is CampaignStatus.SENT
    counted = await scene.storage.read(lambda tx: tx.sends.recount_recipients(send.id))
    assert counted == done.recipients
    by_step = await scene.storage.read(lambda tx: tx.messages.count_by_reason(send.id))
    assert [(each.step, each.status, each.count) for each in by_step] == [
        (1, S.FAILED, 1),
        (1, S.SENT, 2),
        (1, S.SKIPPED, 1),
        (2, S.SENT, 2),
        (2, S.SKIPPED, 1),
        (2, S.UNKNOWN, 1),
    ]


async def test_recipients_that_are_not_enrolled_are_skipped(scene: Scene) -> None:
    send, _ = await scene.enrolling()
    row = send.message("skip", "bob", "bob@example.com", "suppressed", NOW, step=made.step(1))
    await scene.storage.write(lambda tx: tx.messages.insert_many([row]))
    assert await recipients(scene, send) == {"pending": 1, "skipped": 1}
    counted = await scene.storage.read(lambda tx: tx.sends.recount_recipients(send.id))
    assert counted == Recipients(pending=1, skipped=1)


async def test_nothing_follows_once_the_send_is_cancelled(scene: Scene) -> None:
    send, (first, second) = await scene.enrolling(people=2)
    (row, *_) = await scene.claim(limit=1)
    await scene.mark([row])
    receipt = await scene.storage.write(lambda tx: tx.sends.cancel(send.id, NOW))
    assert receipt == CancelReceipt(sent=0, in_flight=1, cancelled=1)
    waiting = second if row.enrollment_id == first.id else first
    over = await scene.found_enrollment(waiting)
    assert (over.status, over.outcome) == (EnrollmentStatus.CANCELLED, RecipientOutcome.SKIPPED)
    assert await recipients(scene, send) == {"pending": 1, "skipped": 1}
    await scene.finish([row])
    done = await scene.found_send(send)
    assert done.counters == Counters(total=2, sent=1, cancelled=1)
    assert done.recipients == Recipients(sent=1, skipped=1)
    assert (done.status, done.completed_at) == (SendStatus.CANCELLED, NOW)
    assert await scene.claim(now=NOW + 9 * MINUTE) == []


async def test_what_the_cancellation_leaves_is_swept_with_its_enrollments(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancellations, "_ROWS_WITH_THE_SEND", 1)
    send, enrolled = await scene.enrolling(made.step(1), made.step(2, channel="sms"), people=5)
    await scene.storage.write(lambda tx: tx.sends.cancel(send.id, NOW))
    assert await recipients(scene, send) == {"pending": 4, "skipped": 1}
    while await scene.storage.write(lambda tx: tx.sends.sweep_cancelled(NOW, 2)):
        pass
    assert await recipients(scene, send) == {"skipped": 5}
    for each in enrolled:
        assert (await scene.found_enrollment(each)).status is EnrollmentStatus.CANCELLED
        assert await statuses(scene, each) == [S.CANCELLED]


async def test_a_step_planned_while_the_send_is_paused_waits_for_its_end(scene: Scene) -> None:
    send, (enrollment,) = await scene.enrolling()
    (row,) = await started(scene)
    await scene.storage.write(lambda tx: tx.sends.pause(send.id, NOW))
    await scene.finish([row])
    assert await statuses(scene, enrollment) == [S.SENT, S.PENDING]
    assert await scene.claim(now=THEN) == []
    await scene.storage.write(lambda tx: tx.sends.resume(send.id))
    assert [each.step for each in await scene.claim(now=THEN)] == [2]


async def test_an_unknown_step_is_followed_and_its_resolution_moves_the_recipient(
    scene: Scene,
) -> None:
    send, (enrollment,) = await scene.enrolling()
    (row,) = await started(scene)
    await scene.settle(made.settlement(row, S.UNKNOWN))
    await end(scene, S.SENT, now=THEN)
    assert await recipients(scene, send) == {"failed": 1}

    async def resolve(resolution: Resolution) -> None:
        await scene.storage.write(
            lambda tx: tx.messages.resolve_unknown(BRAND, [row.id], resolution, THEN)
        )

    await resolve(Resolution.RESEND)
    again = await scene.found_send(send)
    assert (again.status, again.recipients) == (SendStatus.SENDING, Recipients(pending=1))
    await end(scene, S.UNKNOWN, now=THEN)
    assert await recipients(scene, send) == {"failed": 1}
    await resolve(Resolution.SENT)
    done = await scene.found_send(send)
    assert (done.status, done.recipients) == (SendStatus.COMPLETED, Recipients(sent=1))
    assert await statuses(scene, enrollment) == [S.SENT, S.SENT]


async def test_a_late_acceptance_moves_the_recipient_too(scene: Scene) -> None:
    send, _ = await scene.enrolling(made.step(1))
    (row,) = await started(scene)
    await scene.recover()
    assert await recipients(scene, send) == {"failed": 1}
    late = made.settlement(row, S.SENT, attempt=made.attempt(row))
    assert await scene.settle(late) == set()
    assert await recipients(scene, send) == {"sent": 1}


async def test_a_crash_in_a_call_is_followed_by_the_next_step_and_one_before_it_by_nothing(
    scene: Scene,
) -> None:
    send, (enrollment,) = await scene.enrolling()
    await scene.claim()
    await scene.recover()
    assert await statuses(scene, enrollment) == [S.PENDING]
    await started(scene)
    await scene.recover()
    assert await statuses(scene, enrollment) == [S.UNKNOWN, S.PENDING]
    (row,) = await started(scene, now=THEN)
    await scene.recover(now=THEN, key_windows=KNOWS_KEYS)
    assert await statuses(scene, enrollment) == [S.UNKNOWN, S.PENDING]
    assert (await scene.found(row)).in_doubt
    assert await recipients(scene, send) == {"pending": 1}


@pytest.mark.parametrize("reason", ["suppressed", "no_consent"])
async def test_who_must_not_be_contacted_is_stopped(scene: Scene, reason: str) -> None:
    send, (enrollment,) = await scene.enrolling()
    (row,) = await scene.claim()
    await scene.settle(made.settlement(row, S.SKIPPED, S.LEASED, reason=reason))
    found = await scene.found_enrollment(enrollment)
    assert (found.status, found.reason) == (EnrollmentStatus.STOPPED, reason)
    done = await scene.found_send(send)
    assert (done.status, done.recipients) == (SendStatus.COMPLETED, Recipients(skipped=1))


async def test_the_deletion_of_a_person_ends_their_part(scene: Scene) -> None:
    send, (gone, _) = await scene.enrolling(people=2)
    await scene.storage.write(
        lambda tx: tx.enrollments.stop_person(BRAND, gone.person_id, PERSON_DELETED, NOW)
    )
    found = await scene.found_send(send)
    assert found.counters == Counters(total=2, pending=1, cancelled=1)
    assert found.recipients == Recipients(pending=1, skipped=1)


async def test_what_is_stale_expires_step_by_step(scene: Scene) -> None:
    send, (enrollment,) = await scene.enrolling(expire_at=THEN)
    while await scene.storage.write(lambda tx: tx.messages.expire(THEN, 10)):
        pass
    assert await statuses(scene, enrollment) == [S.EXPIRED, S.EXPIRED]
    assert await recipients(scene, send) == {"skipped": 1}


async def test_a_step_on_another_channel_goes_to_the_own_address(scene: Scene) -> None:
    await scene.storage.write(lambda tx: tx.people.put(made.person("person-0000")))
    send, _ = await scene.enrolling(
        made.step(1), made.step(2, channel="sms", variables={"a": 1}), made.step(3, channel="push")
    )
    assert await scene.queues("sms") == []
    await end(scene, S.SENT)
    assert await scene.queues("email") == []
    (queue,) = await scene.queues("sms")
    assert (queue.send_id, queue.steps, queue.next_due) == (send.id, True, THEN)
    (row,) = await scene.claim(channel="sms", now=THEN)
    assert (row.recipient, row.variables, row.step) == ("+12025550100", {"a": 1}, 2)


async def test_failed_steps_to_one_address_are_each_tried_again(scene: Scene) -> None:
    send, _ = await scene.enrolling()
    await end(scene, S.FAILED)
    await end(scene, S.FAILED, now=THEN)
    child = made.send(send.campaign_id, parent_send_id=send.id)

    async def retry(tx: Transaction) -> None:
        await tx.sends.insert(child)
        failed = await tx.sends.mark_retried(send.id, child.id, False, None, 10, THEN)
        again = [child.again(new_id(), each, THEN) for each in failed]
        await tx.messages.insert_many(again)
        await tx.sends.advance_audience(child.id, None, done=True, now=THEN)

    await scene.storage.write(retry)
    rows = await started(scene, now=THEN)
    assert sorted(row.step or 0 for row in rows) == [1, 2]
    assert {row.enrollment_id for row in rows} == {None}
    await scene.settle(*(made.settlement(row, S.SENT) for row in rows), now=THEN)
    assert (await scene.found_send(child)).counters == Counters(total=2, sent=2)
    assert await recipients(scene, send) == {"failed": 1}


async def test_steps_without_an_attempt_take_another_revision_when_they_are_claimed(
    scene: Scene,
) -> None:
    steps = made.step(1, template_revision=1), made.step(2, template_revision=1)
    send, _ = await scene.enrolling(*steps, people=3)
    sent, refused, uncalled = await started(scene)
    attempt = made.attempt(refused, "rejected")
    await scene.settle(
        made.settlement(sent, S.SENT),
        made.settlement(refused, S.PENDING, attempt=attempt),
        made.settlement(uncalled, S.PENDING),
    )

    async def change(tx: Transaction) -> None:
        for step in steps:
            await tx.steps.replace(replace(step, template_revision=2))
        await tx.sends.change_revision(send.id, 2)

    await scene.storage.write(change)
    told = await scene.storage.read(lambda tx: tx.messages.count_by_reason(send.id))
    revisions = [(1, S.PENDING, 1), (1, S.PENDING, 2), (1, S.SENT, 1), (2, S.PENDING, 2)]
    assert [(each.step, each.status, each.template_revision) for each in told] == revisions
    claimed = await scene.claim(now=THEN, until=THEN + MINUTE)
    assert {(row.person_id, row.step, row.template_revision) for row in claimed} == {
        (sent.person_id, 2, 2),
        (refused.person_id, 1, 1),
        (uncalled.person_id, 1, 2),
    }
