"""Sequences: what is accepted, who goes through them, and what ends that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.api.callers import Caller, caller
from tests.support.api.operating import Operated
from tests.support.api.running import Running
from tests.support.api.scenes import (
    mail,
    ok,
    put_person,
    put_sequence,
    put_template,
    sequence,
    until,
)
from tests.support.api.suppressing import suppress, take_silence_for_consent
from tests.support.dispatch.scripted import REFUSED

SEQUENCES = "comms.SequenceService"
MESSAGES = "comms.MessageService"
AT_ONCE = {"delay_minutes": 0}


async def enroll(
    api: Caller, brand: str, sequence_id: str, person: str = "ann", **more: Any
) -> dict[str, Any]:
    request = {
        "id": sequence_id,
        "brand_id": brand,
        "person_id": person,
        "recipient": f"{person}@example.com",
        **more,
    }
    return await ok(api, f"{SEQUENCES}/EnrollPerson", request)


async def enrollment(api: Caller, enrolled: dict[str, Any]) -> dict[str, Any]:
    return await ok(api, f"{SEQUENCES}/GetEnrollment", {"id": enrolled["id"]})


async def over(running: Running, api: Caller, enrolled: dict[str, Any]) -> dict[str, Any]:
    """The enrollment once it is over."""
    ends = ("completed", "cancelled", "stopped")
    return await until(running, lambda: enrollment(api, enrolled), "status", *ends)


async def messages_to(api: Caller, person: str = "ann") -> list[dict[str, Any]]:
    """First to last."""
    found: list[dict[str, Any]] = (
        await ok(api, f"{MESSAGES}/ListMessages", {"person_id": person})
    )["data"]
    return found[::-1]


async def test_a_sequence_is_as_it_was_given_with_its_steps_in_order(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    await put_template(idle_api, brand, "sms")
    request = sequence(brand, mail(7, channel="sms", **AT_ONCE), mail(2))
    created = await ok(idle_api, f"{SEQUENCES}/CreateSequence", request)
    assert (created["name"], created["description"], created["status"]) == (
        "Onboarding",
        None,
        "active",
    )
    assert created["created_at"] == created["updated_at"]
    steps = [
        (step["position"], step["channel"], step["delay_minutes"]) for step in created["steps"]
    ]
    assert steps == [(2, "email", 1), (7, "sms", 0)]
    assert {step["sequence_id"] for step in created["steps"]} == {created["id"]}
    assert await ok(idle_api, f"{SEQUENCES}/GetSequence", {"id": created["id"]}) == created
    described = sequence(brand, mail(0), description="For new ones")
    answer = await ok(idle_api, f"{SEQUENCES}/CreateSequence", described)
    assert answer["description"] == "For new ones"


async def test_every_fault_of_a_new_sequence_is_named(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    await put_template(idle_api, brand, "sms", body="{{ code }}")
    refused: list[tuple[list[dict[str, Any]], set[str]]] = [
        ([mail(0), mail(0)], {"steps[1].position"}),
        (
            [mail(-1), mail(1, delay_minutes=-1)],
            {"steps[0].position", "steps[1].delay_minutes"},
        ),
        (
            [{"channel": "email", "template_key": "welcome"}],
            {
                "steps[0].position",
                "steps[0].delay_minutes",
            },
        ),
        (
            [mail(0, template_key="other"), mail(1, channel="push"), mail(2, channel="sms")],
            {f"steps[{index}].template_key" for index in range(3)},
        ),
    ]
    for steps, fields in refused:
        answer = await idle_api.call(f"{SEQUENCES}/CreateSequence", sequence(brand, *steps))
        assert (answer.status, answer.fields) == (422, fields), answer
    empty = await idle_api.call(f"{SEQUENCES}/CreateSequence", sequence(brand) | {"steps": []})
    assert (empty.status, empty.fields) == (422, {"steps"})


async def test_somebody_enrolled_waits_for_the_first_step(idle_api: Caller, brand: str) -> None:
    sequence_id = await put_sequence(idle_api, brand, mail(3), mail(4))
    enrolled = await enroll(idle_api, brand, sequence_id, recipient="ANN@example.com ")
    assert (enrolled["status"], enrolled["current_step"]) == ("active", 3)
    assert (enrolled["sequence_id"], enrolled["recipient"]) == (sequence_id, "ann@example.com")
    at = [datetime.fromisoformat(enrolled[name]) for name in ("enrolled_at", "next_step_at")]
    assert at[1] - at[0] == timedelta(minutes=1)
    absent = ("completed_at", "cancelled_at", "stopped_at", "stop_reason")
    assert [enrolled[name] for name in absent] == [None] * 4
    (message,) = await messages_to(idle_api)
    assert (message["status"], message["scheduled_at"], message["dedup_key"]) == (
        "pending",
        enrolled["next_step_at"],
        "",
    )
    listed = await ok(idle_api, f"{MESSAGES}/ListScheduledMessages", {"brand_id": brand})
    assert listed["data"] == [], "it was not scheduled one by one"


async def test_enrolling_again_is_the_same_enrollment_until_it_is_over(
    idle_api: Caller, brand: str
) -> None:
    sequence_id = await put_sequence(idle_api, brand)
    first = await enroll(idle_api, brand, sequence_id)
    assert await enroll(idle_api, brand, sequence_id) == first
    other = await enroll(idle_api, brand, sequence_id, recipient="other@example.com")
    assert other["id"] != first["id"]
    await ok(idle_api, f"{SEQUENCES}/CancelEnrollment", {"id": first["id"]})
    assert (await enroll(idle_api, brand, sequence_id))["id"] != first["id"]


async def test_an_address_that_no_step_can_go_to_is_refused(idle_api: Caller, brand: str) -> None:
    sequence_id = await put_sequence(idle_api, brand)
    for recipient in ("call me", "2025550199", "ann@", "device-1"):
        request = {"id": sequence_id, "brand_id": brand, "person_id": "ann"}
        answer = await idle_api.call(
            f"{SEQUENCES}/EnrollPerson", request | {"recipient": recipient}
        )
        assert (answer.status, answer.fields) == (422, {"recipient"}), recipient
    await put_template(idle_api, brand, "push")
    with_push = await put_sequence(idle_api, brand, mail(0), mail(1, channel="push"))
    enrolled = await enroll(idle_api, brand, with_push, recipient="device-1")
    assert enrolled["recipient"] == "device-1"


async def test_what_is_of_another_brand_does_not_exist(
    idle: Running, idle_api: Caller, brand: str, transport: str
) -> None:
    sequence_id = await put_sequence(idle_api, brand)
    enrolled = await enroll(idle_api, brand, sequence_id)
    other = f"{brand}-other"
    stranger = caller(transport, idle, other)
    ann = {"person_id": "ann", "recipient": "ann@example.com"}
    for method, request in (
        ("GetSequence", {"id": sequence_id}),
        ("EnrollPerson", {"id": sequence_id, "brand_id": other, **ann}),
        ("EnrollPerson", {"id": sequence_id, "brand_id": brand, **ann}),
        ("GetEnrollment", {"id": enrolled["id"]}),
        ("CancelEnrollment", {"id": enrolled["id"]}),
    ):
        assert (await stranger.call(f"{SEQUENCES}/{method}", request)).status == 404
    request = {"id": sequence_id, "brand_id": other, **ann}
    both = idle.token(brand, other)
    assert (await idle_api.call(f"{SEQUENCES}/EnrollPerson", request, token=both)).status == 404
    assert (await enrollment(idle_api, enrolled))["status"] == "active"


async def test_a_sequence_runs_to_its_end_on_every_channel(
    running: Running, api: Caller, brand: str
) -> None:
    await take_silence_for_consent(api, brand)
    await put_person(api, brand, "ann", push_tokens=[], email="own@example.com")
    for channel in ("sms", "push", "in_app"):
        await put_template(api, brand, channel)
    channels = ("email", "push", "sms", "in_app")
    steps = [mail(index, channel=channel, **AT_ONCE) for index, channel in enumerate(channels)]
    enrolled = await enroll(api, brand, await put_sequence(api, brand, *steps))
    done = await over(running, api, enrolled)
    assert (done["status"], done["current_step"], done["next_step_at"]) == ("completed", 3, None)
    assert done["completed_at"] > enrolled["enrolled_at"]
    went = [
        (each["channel"], each["recipient"], each["status"], each["failure_reason"])
        for each in await messages_to(api)
    ]
    assert went == [
        ("email", "ann@example.com", "sent", None),
        ("push", "", "skipped", "no_address"),
        ("sms", "+12025550100", "sent", None),
        ("in_app", "ann", "sent", None),
    ]


async def test_an_unsubscribed_address_stops_the_enrollment(
    running: Running, api: Caller, brand: str
) -> None:
    await suppress(api, brand, "ann@example.com", "unsubscribe")
    sequence_id = await put_sequence(api, brand, mail(0, **AT_ONCE), mail(1, **AT_ONCE))
    done = await over(running, api, await enroll(api, brand, sequence_id))
    assert (done["status"], done["stop_reason"]) == ("stopped", "suppressed")
    assert (done["current_step"], done["next_step_at"]) == (0, None)
    assert done["stopped_at"] is not None
    assert [each["status"] for each in await messages_to(api)] == ["skipped"]


async def test_deleting_a_person_stops_their_enrollments(idle_api: Caller, brand: str) -> None:
    await put_person(idle_api, brand, "ann")
    enrolled = await enroll(idle_api, brand, await put_sequence(idle_api, brand))
    await ok(idle_api, "messaging.PersonService/DeletePerson", {"person_id": "ann"})
    found = await enrollment(idle_api, enrolled)
    assert (found["status"], found["stop_reason"]) == ("stopped", "person_deleted")
    assert [each["status"] for each in await messages_to(idle_api)] == ["cancelled"]


async def test_cancelling_keeps_what_waits_from_going_out_and_again_is_the_same(
    idle_api: Caller, brand: str
) -> None:
    enrolled = await enroll(idle_api, brand, await put_sequence(idle_api, brand))
    cancelled = await ok(idle_api, f"{SEQUENCES}/CancelEnrollment", {"id": enrolled["id"]})
    assert (cancelled["status"], cancelled["next_step_at"]) == ("cancelled", None)
    assert cancelled["cancelled_at"] is not None
    again = await ok(idle_api, f"{SEQUENCES}/CancelEnrollment", {"id": enrolled["id"]})
    assert again == cancelled
    assert [each["status"] for each in await messages_to(idle_api)] == ["cancelled"]


async def test_a_step_that_fails_is_followed_by_the_next(
    operated: Operated, operator: Caller, brand: str
) -> None:
    operated.provider.will("ann@example.com", REFUSED)
    sequence_id = await put_sequence(operator, brand, mail(0, **AT_ONCE), mail(1, **AT_ONCE))
    enrolled = await enroll(operator, brand, sequence_id)
    done = await over(operated.running, operator, enrolled)
    assert done["status"] == "completed"
    assert [each["status"] for each in await messages_to(operator)] == ["failed", "sent"]


@pytest.mark.parametrize("verb", ["CreateSequence", "EnrollPerson"])
async def test_reading_is_not_enough_to_change(
    idle: Running, idle_api: Caller, brand: str, verb: str
) -> None:
    sequence_id = await put_sequence(idle_api, brand)
    reader = idle.token(brand, scopes=["read:sequences", "read:enrollments"])
    found = await idle_api.call(f"{SEQUENCES}/GetSequence", {"id": sequence_id}, token=reader)
    assert found.status == 200
    request = (
        sequence(brand)
        if verb == "CreateSequence"
        else {
            "id": sequence_id,
            "brand_id": brand,
            "person_id": "ann",
            "recipient": "ann@example.com",
        }
    )
    assert (await idle_api.call(f"{SEQUENCES}/{verb}", request, token=reader)).status == 403
