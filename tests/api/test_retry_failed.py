"""Retrying what failed: a child send over exactly those messages, each retried once."""

from __future__ import annotations

from typing import Any

from tests.support.api.callers import Caller
from tests.support.api.deliveries import SENDS, messages_of, report
from tests.support.api.operating import Operated, Stuck, audited, ended_with, message_of, publish
from tests.support.api.scenes import MESSAGING, campaign, ok, put_template, recipients
from tests.support.dispatch.scripted import ACCEPTED, AMBIGUOUS, REFUSED


async def retry(api: Caller, send_id: str, **more: Any) -> dict[str, Any]:
    """The new send."""
    answer = await api.call(f"{SENDS}/RetryFailedMessages", {"id": send_id, **more})
    assert answer.status == 202, answer
    body: dict[str, Any] = answer.body
    return body


async def is_refused(api: Caller, send_id: str, status: str, **more: Any) -> str:
    """What the refusal says."""
    answer = await api.call(f"{SENDS}/RetryFailedMessages", {"id": send_id, **more})
    assert (answer.status, answer.error, answer.body["details"]) == (
        412,
        "send_state",
        {"status": status},
    )
    return str(answer.body["message"])


async def test_child_sends_to_exactly_those_that_failed(
    operated: Operated, operator: Caller, brand: str
) -> None:
    before, people = await ended_with(
        operated, operator, brand, REFUSED, ACCEPTED, AMBIGUOUS, REFUSED
    )
    parent = await ok(operator, f"{SENDS}/GetSend", {"id": before["send_id"]})
    child = await retry(operator, before["send_id"])
    assert (child["campaign_id"], child["brand_id"], child["created_by"]) == (
        parent["campaign_id"],
        brand,
        "tester",
    )
    assert (child["status"], child["total_recipients"]) == ("sending", 2)
    done = await operated.ended(operator, child["id"])
    assert (done["status"], done["total"], done["sent"], done["parent_send_id"]) == (
        "completed",
        2,
        2,
        before["send_id"],
    )
    assert {
        (each["person_id"], each["recipient"])
        for each in await messages_of(operator, send_id=child["id"])
    } == {(person["person_id"], person["recipient"]) for person in (people[0], people[3])}
    assert [len(operated.called([person])) for person in people] == [2, 1, 1, 2]
    assert await report(operator, before["send_id"]) == before
    assert (await campaign(operator, MESSAGING, parent["campaign_id"]))["status"] == "sent"
    sends = (await ok(operator, f"{MESSAGING}/ListCampaignSends", {"id": parent["campaign_id"]}))[
        "sends"
    ]
    assert [send["id"] for send in sends] == [child["id"], before["send_id"]]


async def test_unknown_ones_are_retried_if_asked_and_have_failed_in_the_old_send(
    operated: Operated, operator: Caller, brand: str
) -> None:
    before, people = await ended_with(operated, operator, brand, AMBIGUOUS, ACCEPTED, REFUSED)
    child = await retry(operator, before["send_id"], include_unknown=True)
    assert child["total_recipients"] == 2
    assert (await operated.ended(operator, child["id"]))["sent"] == 2
    after = await report(operator, before["send_id"])
    assert (after["sent"], after["failed"], after["unknown"]) == (1, 2, 0)
    retried = await message_of(operator, before["send_id"], people[0])
    assert (retried["status"], retried["failure_reason"]) == ("failed", "retried")


async def test_second_retry_finds_nothing_to_retry(
    operated: Operated, operator: Caller, brand: str
) -> None:
    before, _ = await ended_with(operated, operator, brand, REFUSED, AMBIGUOUS, ACCEPTED)
    await operated.ended(operator, (await retry(operator, before["send_id"]))["id"])
    assert "nothing to retry" in await is_refused(operator, before["send_id"], "completed")
    assert (await retry(operator, before["send_id"], include_unknown=True))["total_recipients"] == 1
    assert "nothing to retry" in await is_refused(
        operator, before["send_id"], "completed", include_unknown=True
    )
    retried = [
        entry for entry in await audited(operator, before["send_id"]) if entry[0] == "send_retried"
    ]
    assert [details["include_unknown"] for _, details in retried] == [False, True]


async def test_send_in_which_nothing_failed_has_nothing_to_retry(
    operated: Operated, operator: Caller, brand: str
) -> None:
    done, _ = await ended_with(operated, operator, brand, ACCEPTED)
    assert "nothing to retry" in await is_refused(
        operator, done["send_id"], "completed", include_unknown=True
    )


async def test_what_fails_again_is_retried_from_the_child(
    operated: Operated, operator: Caller, brand: str
) -> None:
    first, (person,) = await ended_with(operated, operator, brand, REFUSED)
    operated.provider.will(person["recipient"], REFUSED)
    second = await operated.ended(operator, (await retry(operator, first["send_id"]))["id"])
    assert (second["failed"], second["sent"]) == (1, 0)
    third = await operated.ended(operator, (await retry(operator, second["send_id"]))["id"])
    assert (third["sent"], third["parent_send_id"]) == (1, second["send_id"])


async def test_send_that_is_going_on_cannot_be_retried(
    operated: Operated, operator: Caller, brand: str
) -> None:
    people = recipients(3)
    operated.provider.will(people[0]["recipient"], REFUSED)
    stuck = Stuck(operated, people[1:])
    send = await publish(operator, brand, people)
    await stuck.holds(2)
    assert "has not ended" in await is_refused(operator, send["id"], "sending")
    stuck.let_go()
    await operated.ended(operator, send["id"])
    assert (await retry(operator, send["id"]))["total_recipients"] == 1


async def test_cancelled_send_is_retried_once_its_calls_have_ended(
    operated: Operated, operator: Caller, brand: str
) -> None:
    people = recipients(8)
    for person in people[:4]:
        operated.provider.will(person["recipient"], REFUSED)
    stuck = Stuck(operated, people[:4])
    send = await publish(operator, brand, people)
    await stuck.holds(4)
    await ok(operator, f"{MESSAGING}/CancelCampaign", {"id": send["campaign_id"]})
    assert "has not ended" in await is_refused(operator, send["id"], "cancelled")
    stuck.let_go()
    await operated.when(send["id"], "completed_at")
    again = Stuck(operated, people[:4])
    child = await retry(operator, send["id"])
    await again.holds(4)
    # Cancelling the campaign once more stops that too.
    answer = await ok(operator, f"{MESSAGING}/CancelCampaign", {"id": send["campaign_id"]})
    assert answer["receipt"] == {"sent": 0, "in_flight": 4, "cancelled": 0}
    assert (await operated.send(child["id"])).status == "cancelled"
    again.let_go()
    await operated.when(child["id"], "completed_at")
    assert (await report(operator, child["id"]))["sent"] == 4


async def test_child_says_what_the_parent_said(
    operated: Operated, operator: Caller, brand: str
) -> None:
    done, (person,) = await ended_with(operated, operator, brand, REFUSED)
    await put_template(operator, brand, body="Something else entirely")
    await operated.ended(operator, (await retry(operator, done["send_id"]))["id"])
    first, second = [
        envelope for envelope in operated.provider.calls if envelope.address == person["recipient"]
    ]
    assert (second.subject, second.body) == (first.subject, first.body)
    assert second.message_id != first.message_id


async def test_address_suppressed_since_gets_no_retry(
    operated: Operated, operator: Caller, brand: str
) -> None:
    done, (person,) = await ended_with(operated, operator, brand, REFUSED)
    suppression = {
        "brand_id": brand,
        "email": person["recipient"],
        "reason": "complaint",
        "source": "test",
    }
    await ok(operator, "comms.SuppressionService/CreateSuppression", suppression)
    child = await operated.ended(operator, (await retry(operator, done["send_id"]))["id"])
    assert (child["skipped"], child["sent"]) == (1, 0)
    assert len(operated.called([person])) == 1


async def test_same_retry_under_its_key_is_one_send(
    operated: Operated, operator: Caller, brand: str
) -> None:
    done, people = await ended_with(operated, operator, brand, REFUSED, AMBIGUOUS)
    request = {"id": done["send_id"]}
    first = await operator.call(f"{SENDS}/RetryFailedMessages", request, key="key-1")
    await operated.ended(operator, first.body["id"])
    again = await operator.call(f"{SENDS}/RetryFailedMessages", request, key="key-1")
    assert (again.status, again.body) == (first.status, first.body) == (202, first.body)
    assert len(operated.called(people[:1])) == 2
    other = await operator.call(
        f"{SENDS}/RetryFailedMessages", {**request, "include_unknown": True}, key="key-1"
    )
    assert (other.status, other.error) == (400, "idempotency_key_reused")
