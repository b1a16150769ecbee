"""The timeline of a message: every fact in order, and what it said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.api.callers import Caller
from tests.support.api.deliveries import (
    MESSAGES,
    ended,
    mail,
    messages_of,
    one_off,
    schedule,
)
from tests.support.api.operating import Operated, ended_with, message_of, resolve
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    FAR,
    comms_campaign,
    instant,
    ok,
    put_person,
    put_sequence,
    put_template,
    until,
)
from tests.support.api.scenes import mail as step
from tests.support.dispatch.scripted import AMBIGUOUS, BUSY, REFUSED

NAME = f"{MESSAGES}/GetMessageTimeline"
SEQUENCES = "comms.SequenceService"
PERSONAL = "Hello {{ person.plan }}: {{ news }} {{ unsubscribe_url }}"


async def timeline(api: Caller, message_id: str) -> dict[str, Any]:
    """The timeline; its facts must be in order."""
    found = await ok(api, NAME, {"id": message_id})
    told = [fact["at"] for fact in found["facts"] if fact["at"] is not None]
    assert told == sorted(told)
    return found


def kinds(found: dict[str, Any]) -> list[str]:
    return [fact["kind"] for fact in found["facts"]]


async def test_a_message_that_waits_was_accepted_and_is_held_back_and_said_nothing(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    waits = await schedule(idle_api, brand, scheduled_at=instant(FAR))
    found = await timeline(idle_api, waits["id"])
    accepted, held = found.pop("facts")
    assert found == {
        "message_id": waits["id"],
        "brand_id": brand,
        "person_id": "ann",
        "channel": "email",
        "recipient": "ann@example.com",
        "status": "pending",
        "campaign_id": None,
        "send_id": None,
        "sequence_id": None,
        "enrollment_id": None,
        "step": None,
        "template_key": "welcome",
        "template_version": 1,
        "content": None,
    }
    empty = {
        "until": None, "actor": None, "provider": None, "attempt": None,
        "outcome": "unspecified", "reason": None, "provider_message_id": None, "decision": None,
        "status": "unspecified", "event": None,
    }  # fmt: skip
    at = waits["created_at"]
    assert accepted == {**empty, "kind": "accepted", "at": at, "actor": "tester"}
    assert held == {**empty, "kind": "held_back", "at": at, "until": waits["scheduled_at"]}


async def test_a_sent_message_tells_its_way_and_says_what_went_out(
    running: Running, api: Caller, brand: str
) -> None:
    await put_template(api, brand, subject="For {{ person.email }}", body=PERSONAL)
    await put_person(api, brand, "ann", attributes={"plan": "gold"})
    # Due at once, also by the clock of the database.
    at = instant(timedelta(minutes=-1))
    request = one_off(brand, variables={"news": "it is here"}, scheduled_at=at)
    sent = await ended(api, (await ok(api, f"{MESSAGES}/ScheduleMessage", request))["id"])
    # A later version changes nothing of what was said.
    await put_template(api, brand, body="Other")
    found = await timeline(api, sent["id"])
    assert kinds(found) == ["accepted", "claimed", "attempted", "answered", "resolved"]
    _, _, attempted, answered, resolved = found["facts"]
    assert (attempted["provider"], attempted["attempt"]) == ("email_outbox", 1)
    assert (answered["outcome"], answered["attempt"]) == ("accepted", 1)
    assert (resolved["status"], resolved["at"]) == ("sent", sent["sent_at"])
    went_out = mail(running, sent["id"])
    said = found["content"]
    assert said["subject"] == went_out["subject"] == "For ann@example.com"
    assert said["body"] in went_out.get_content()
    assert said["body"].startswith("Hello gold: it is here http")
    assert (said["html"], said["doubt"]) == (None, "unspecified")
    assert said["rendered_for"] == attempted["at"]


async def test_a_step_tells_its_sequence_and_enrollment(
    running: Running, api: Caller, brand: str
) -> None:
    sequence_id = await put_sequence(api, brand, step(0, delay_minutes=0), step(1))
    await put_person(api, brand, "ann")
    ann = {"brand_id": brand, "person_id": "ann", "recipient": "ann@example.com"}
    enrolled = await ok(api, f"{SEQUENCES}/EnrollPerson", {"id": sequence_id, **ann})

    async def look() -> dict[str, Any]:
        return await ok(api, f"{SEQUENCES}/GetEnrollment", {"id": enrolled["id"]})

    await until(running, look, "current_step", 1)
    found = [await timeline(api, row["id"]) for row in await messages_of(api, person_id="ann")]
    about = ("sequence_id", "enrollment_id", "step", "template_version", "status")
    assert [[each[name] for name in about] for each in found] == [
        [sequence_id, enrolled["id"], 1, 0, "pending"],
        [sequence_id, enrolled["id"], 0, 1, "sent"],
    ]


async def test_what_changed_since_is_said_to_be_in_doubt(api: Caller, brand: str) -> None:
    await put_template(api, brand, body=PERSONAL)
    await put_template(api, brand, key="plain", body="Hello {{ news }}")
    await put_person(api, brand, "ann", attributes={"plan": "gold"})
    personal, plain = [
        (await ended(api, (await schedule(api, brand, **request, dedup_key=key))["id"]))["id"]
        for key in ("welcome", "plain")
        if (request := {"template_key": key, "variables": {"news": "it is here"}})
    ]

    async def doubt(message_id: str) -> Any:
        return (await timeline(api, message_id))["content"]["doubt"]

    assert [await doubt(personal), await doubt(plain)] == ["unspecified"] * 2
    await put_person(api, brand, "ann", attributes={"plan": "silver"})
    assert [await doubt(personal), await doubt(plain)] == ["person_changed", "unspecified"]
    await ok(api, "messaging.PersonService/DeletePerson", {"brand_id": brand, "person_id": "ann"})
    assert [await doubt(personal), await doubt(plain)] == ["person_unknown", "unspecified"]


async def test_failures_tries_and_decisions_are_told(
    operated: Operated, operator: Caller, brand: str
) -> None:
    _, (refused_one,) = await _ended(operated, operator, brand, REFUSED)
    refused = await timeline(operator, refused_one["id"])
    assert kinds(refused) == ["accepted", "claimed", "attempted", "answered", "resolved"]
    assert [(fact["reason"], fact["status"]) for fact in refused["facts"][3:]] == [
        ("no_such_mailbox", "unspecified"),
        ("no_such_mailbox", "failed"),
    ]
    send, (unknown,) = await _ended(operated, operator, brand, AMBIGUOUS)
    await resolve(operator, "sent", unknown["id"])
    decided = await timeline(operator, unknown["id"])
    assert kinds(decided)[3:] == ["answered", "decided", "resolved"]
    assert (decided["facts"][4]["decision"], decided["facts"][4]["actor"]) == (
        "message_resolved",
        "tester",
    )
    assert (decided["send_id"], decided["campaign_id"]) == (
        send["send_id"],
        (await ok(operator, "messaging.SendService/GetSend", {"id": send["send_id"]}))[
            "campaign_id"
        ],
    )
    await put_template(operator, brand)
    operated.provider.will("busy@example.com", BUSY)
    body = await ok(
        operator,
        f"{MESSAGES}/SendMessage",
        {
            key: value
            for key, value in one_off(brand, recipient="busy@example.com").items()
            if key != "scheduled_at"
        },
    )
    busy = await timeline(operator, body["message_id"])
    assert kinds(busy) == ["accepted", "claimed", "attempted", "answered", "held_back"]
    held = busy["facts"][-1]
    assert held["until"] > held["at"] == busy["facts"][-2]["at"]
    assert (held["reason"], busy["content"]["body"]) == ("busy", "Hello you")


async def _ended(
    operated: Operated, api: Caller, brand: str, *outcomes: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    report, people = await ended_with(operated, api, brand, *outcomes)
    return report, [await message_of(api, report["send_id"], person) for person in people]


async def test_what_ended_without_a_call_has_said_nothing(idle_api: Caller, brand: str) -> None:
    ann = {"person_id": "ann", "recipient": "ann@example.com"}
    campaign_id = await comms_campaign(idle_api, brand)
    await ok(idle_api, f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": [ann, ann]})
    (skipped,) = await messages_of(idle_api, status="skipped")
    found = await timeline(idle_api, skipped["id"])
    assert kinds(found) == ["accepted", "resolved"]
    resolved = found["facts"][1]
    assert (resolved["status"], resolved["reason"], resolved["at"]) == (
        "skipped",
        "duplicate",
        skipped["created_at"],
    )
    assert (found["campaign_id"], found["content"]) == (campaign_id, None)
    waits = await schedule(idle_api, brand, scheduled_at=instant(FAR))
    gone = await ok(idle_api, f"{MESSAGES}/CancelMessage", {"id": waits["id"]})
    found = await timeline(idle_api, waits["id"])
    assert kinds(found) == ["accepted", "held_back", "decided", "resolved"]
    assert found["facts"][2]["decision"] == "message_cancelled"
    assert found["facts"][3]["at"] == gone["cancelled_at"]


async def test_what_was_said_needs_a_scope_of_its_own(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    message_id = (await schedule(idle_api, brand))["id"]
    token = idle.token(brand, scopes=["read:messages"])
    answer = await idle_api.call(NAME, {"id": message_id}, token=token)
    assert (answer.status, answer.body["details"]) == (403, {"scope": "read:content"})
    other = await idle_api.call(NAME, {"id": message_id}, token=idle.token(f"other-{brand}"))
    assert (other.status, other.error) == (404, "message_not_found")
