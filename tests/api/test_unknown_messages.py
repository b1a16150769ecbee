"""Messages whose outcome cannot be known: listed with what is known, and resolved by an operator, with every count in step."""

from __future__ import annotations

import pytest

from tests.api.callers import Caller
from tests.api.deliveries import attempts, report
from tests.api.operating import UNKNOWN, Operated, Stuck, audited, ended_with, message_of, publish, resolve
from tests.api.scenes import MESSAGING, campaign, ok, recipients
from tests.dispatch.scripted import ACCEPTED, AMBIGUOUS, REFUSED


async def unknown_ids(api: Caller, **where: str) -> list[str]:
    found = await ok(api, f"{UNKNOWN}/ListUnknownMessages", where)
    return [each["message_id"] for each in found["unknown_messages"]]


async def test_what_is_in_doubt_is_listed_with_what_is_known_of_it(operated: Operated, operator: Caller, brand: str) -> None:
    done, (person, *_) = await ended_with(operated, operator, brand, AMBIGUOUS, ACCEPTED)
    message = await message_of(operator, done["send_id"], person)
    (attempt,) = await attempts(operator, message["id"])
    assert (await ok(operator, f"{UNKNOWN}/ListUnknownMessages", {}))["unknown_messages"] == [
        {
            "message_id": message["id"],
            "brand_id": brand,
            "send_id": done["send_id"],
            "person_id": person["person_id"],
            "channel": "email",
            "recipient": person["recipient"],
            "attempts": 1,
            "provider": "scripted",
            "attempted_at": attempt["started_at"],
            "reason": "connection_lost",
        }
    ]


async def test_list_is_newest_first_and_of_one_send_if_asked(operated: Operated, operator: Caller, brand: str) -> None:
    first, _ = await ended_with(operated, operator, brand, AMBIGUOUS, AMBIGUOUS, ACCEPTED)
    second, _ = await ended_with(operated, operator, brand, AMBIGUOUS, ACCEPTED)
    everything = await unknown_ids(operator)
    assert everything == sorted(everything, reverse=True)
    assert await unknown_ids(operator, send_id=first["send_id"]) == everything[1:]
    assert await unknown_ids(operator, send_id=second["send_id"]) == everything[:1]
    assert await unknown_ids(operator, send_id="no-such-send") == []


@pytest.mark.parametrize(("resolution", "reason"), [("sent", None), ("failed", "resolved_failed")])
async def test_resolved_message_counts_as_what_it_was_said_to_be(
    operated: Operated, operator: Caller, brand: str, resolution: str, reason: str | None
) -> None:
    before, (person, *_) = await ended_with(operated, operator, brand, AMBIGUOUS, ACCEPTED, REFUSED)
    assert (before["unknown"], before["sent"], before["failed"]) == (1, 1, 1)
    message = await message_of(operator, before["send_id"], person)
    assert await resolve(operator, resolution, message["id"]) == {"resolved_count": 1, "unresolved_message_ids": []}
    after = await report(operator, before["send_id"])
    assert after["status"] == "completed"
    assert (after["unknown"], after[resolution]) == (0, 2)
    resolved = await message_of(operator, before["send_id"], person)
    assert (resolved["status"], resolved["failure_reason"], resolved["sent_at"] is not None) == (resolution, reason, resolution == "sent")
    assert len(operated.called([person])) == 1
    assert await unknown_ids(operator) == []


async def test_message_to_be_sent_again_reaches_the_provider_again(operated: Operated, operator: Caller, brand: str) -> None:
    before, (person, *_) = await ended_with(operated, operator, brand, AMBIGUOUS, ACCEPTED)
    message = await message_of(operator, before["send_id"], person)
    assert (await resolve(operator, "resend", message["id"]))["resolved_count"] == 1
    after = await operated.ended(operator, before["send_id"])
    assert (after["status"], after["sent"], after["unknown"]) == ("completed", 2, 0)
    assert len(operated.called([person])) == 2
    assert [attempt["outcome"] for attempt in await attempts(operator, message["id"])] == ["ambiguous", "accepted"]
    campaign_id = (await ok(operator, "messaging.SendService/GetSend", {"id": before["send_id"]}))["campaign_id"]
    assert (await campaign(operator, MESSAGING, campaign_id))["status"] == "sent"


async def test_resolution_is_audited_with_its_note(operated: Operated, operator: Caller, brand: str) -> None:
    done, people = await ended_with(operated, operator, brand, AMBIGUOUS, AMBIGUOUS, ACCEPTED)
    ids = [(await message_of(operator, done["send_id"], person))["id"] for person in people[:2]]
    await resolve(operator, "sent", *ids, note="ticket 7:\nseen in the provider's log")
    for message_id in ids:
        details = {"resolution": "sent", "note": "ticket 7:\nseen in the provider's log", "send_id": done["send_id"]}
        assert await audited(operator, message_id) == [("message_resolved", details)]


async def test_what_is_not_unknown_stays_and_is_told(operated: Operated, operator: Caller, brand: str) -> None:
    done, (doubtful, sent) = await ended_with(operated, operator, brand, AMBIGUOUS, ACCEPTED)
    doubtful_id = (await message_of(operator, done["send_id"], doubtful))["id"]
    sent_id = (await message_of(operator, done["send_id"], sent))["id"]
    answer = await resolve(operator, "failed", sent_id, doubtful_id, "no-such-message", doubtful_id, sent_id)
    assert answer == {"resolved_count": 1, "unresolved_message_ids": [sent_id, "no-such-message"]}
    assert (await message_of(operator, done["send_id"], sent))["status"] == "sent"
    assert await audited(operator, sent_id) == []
    again = await resolve(operator, "sent", doubtful_id)
    assert again == {"resolved_count": 0, "unresolved_message_ids": [doubtful_id]}
    assert (await message_of(operator, done["send_id"], doubtful))["status"] == "failed"


async def test_message_of_a_cancelled_send_is_not_sent_again(operated: Operated, operator: Caller, brand: str) -> None:
    people = recipients(1)
    operated.provider.will(people[0]["recipient"], AMBIGUOUS)
    stuck = Stuck(operated, people)
    send = await publish(operator, brand, people)
    await stuck.holds(1)
    await ok(operator, "messaging.SendService/CancelSend", {"id": send["id"]})
    stuck.let_go()
    await operated.when(send["id"], "completed_at")
    message = await message_of(operator, send["id"], people[0])
    assert message["status"] == "unknown"
    assert await resolve(operator, "resend", message["id"]) == {"resolved_count": 0, "unresolved_message_ids": [message["id"]]}
    assert (await resolve(operator, "failed", message["id"]))["resolved_count"] == 1


async def test_brand_of_others_can_neither_see_nor_resolve(operated: Operated, operator: Caller, brand: str) -> None:
    done, (person, _) = await ended_with(operated, operator, brand, AMBIGUOUS, ACCEPTED)
    message = await message_of(operator, done["send_id"], person)
    stranger = operated.running.token(f"other-{brand}")
    listed = await operator.call(f"{UNKNOWN}/ListUnknownMessages", {"send_id": done["send_id"]}, token=stranger)
    assert listed.body["unknown_messages"] == []
    request = {"message_ids": [message["id"]], "resolution": "sent"}
    answer = await operator.call(f"{UNKNOWN}/ResolveUnknownMessages", request, token=stranger)
    assert answer.body == {"resolved_count": 0, "unresolved_message_ids": [message["id"]]}
    named = await operator.call(f"{UNKNOWN}/ResolveUnknownMessages", {**request, "brand_id": brand}, token=stranger)
    assert (named.status, named.error) == (404, "brand_not_found")
    assert (await message_of(operator, done["send_id"], person))["status"] == "unknown"


@pytest.mark.parametrize(
    ("bad", "fields"),
    [
        ({"message_ids": []}, {"message_ids"}),
        ({"message_ids": [f"m{number}" for number in range(1001)]}, {"message_ids"}),
        ({"message_ids": ["good", " ", "x" * 129]}, {"message_ids[1]", "message_ids[2]"}),
        ({"message_ids": [""] * 1001}, {"message_ids"}),
        ({"message_ids": [""] * 100}, {f"message_ids[{index}]" for index in range(100)}),
        ({"note": "x" * 1001}, {"note"}),
        ({"resolution": "unspecified"}, {"resolution"}),
    ],
)
async def test_decision_that_cannot_be(idle_api: Caller, bad: dict[str, object], fields: set[str]) -> None:
    answer = await idle_api.call(f"{UNKNOWN}/ResolveUnknownMessages", {"message_ids": ["one"], "resolution": "sent", **bad})
    assert (answer.status, answer.error, answer.fields) == (422, "validation_failed", fields)


async def test_thousand_messages_are_resolved_in_one_call(idle_api: Caller) -> None:
    ids = [f"m{number}" for number in range(1000)]
    assert await resolve(idle_api, "sent", *ids, note="x" * 1000) == {"resolved_count": 0, "unresolved_message_ids": ids}
