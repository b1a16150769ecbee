"""Steps of campaigns: what is accepted while a campaign has not started, and how people go through
them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api.callers import Caller, caller
from tests.support.api.deliveries import SENDS, messages_of, report
from tests.support.api.operating import Operated
from tests.support.api.running import Running
from tests.support.api.scenes import (
    FAR,
    MESSAGING,
    TEMPLATES,
    add_step,
    campaign_in,
    instant,
    messaging_campaign,
    ok,
    put_person,
    put_template,
    step,
    until,
)
from tests.support.api.suppressing import suppress, take_silence_for_consent
from tests.support.dispatch.scripted import REFUSED

CREATE = f"{MESSAGING}/CreateCampaignStep"
UPDATE = f"{MESSAGING}/UpdateCampaignStep"
DELETE = f"{MESSAGING}/DeleteCampaignStep"


async def steps_of(api: Caller, campaign_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await ok(api, f"{MESSAGING}/ListCampaignSteps", {"id": campaign_id})
    )["items"]
    return found


async def over(running: Running, api: Caller, send: dict[str, Any]) -> dict[str, Any]:
    """The send once it has ended."""
    look = {"id": send["id"]}
    return await until(
        running, lambda: ok(api, f"{SENDS}/GetSend", look), "status", "completed", "cancelled"
    )


def counts(send: dict[str, Any]) -> tuple[int, int, int, int]:
    """All, sent, failed, skipped."""
    return (
        send["total_recipients"],
        send["sent_count"],
        send["failed_count"],
        send["skipped_count"],
    )


async def rows_of(api: Caller, send: dict[str, Any]) -> list[tuple[int, str, str | None, int]]:
    return [
        (row["step"], row["status"], row["reason"], row["count"])
        for row in (await report(api, send["id"]))["rows"]
    ]


async def test_steps_are_read_changed_and_removed(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand, "sms", body="{{ code }}")
    campaign_id = await messaging_campaign(idle_api, brand, steps=[])
    assert await steps_of(idle_api, campaign_id) == []
    about = {"id": campaign_id}
    given = await step(idle_api, brand, position=7, delay_minutes=60, variables={"a": 1})
    last = await ok(idle_api, CREATE, about | given)
    assert last == {"id": last["id"], "campaign_id": campaign_id, **given}
    first = await ok(idle_api, CREATE, about | await step(idle_api, brand, position=2))
    assert (first["delay_minutes"], first["variables"]) == (0, {})
    assert await steps_of(idle_api, campaign_id) == [first, last]
    other = await step(idle_api, brand, "sms")
    named = about | {"step_id": first["id"]}
    changed = await ok(
        idle_api,
        UPDATE,
        named | other | {"position": 9, "variables": {"code": "x"}, "delay_minutes": 5},
    )
    expected = other | {"position": 9, "variables": {"code": "x"}, "delay_minutes": 5}
    assert changed == first | expected
    assert await ok(idle_api, UPDATE, named) == changed
    assert await ok(idle_api, f"{MESSAGING}/GetCampaignStep", named) == changed
    assert await steps_of(idle_api, campaign_id) == [last, changed]
    assert await ok(idle_api, DELETE, named) == {}
    assert await steps_of(idle_api, campaign_id) == [last]
    for method in (f"{MESSAGING}/GetCampaignStep", UPDATE, DELETE):
        answer = await idle_api.call(method, named)
        assert (answer.status, answer.error) == (404, "step_not_found")


async def test_what_a_step_cannot_be_is_refused(
    idle: Running, idle_api: Caller, brand: str, transport: str
) -> None:
    await put_template(idle_api, brand, key="typed", body="{{ code }}")
    campaign_id = await messaging_campaign(idle_api, brand)
    good = {"id": campaign_id, **await step(idle_api, brand, position=1)}
    typed = await step(idle_api, brand, key="typed")
    answer = await idle_api.call(CREATE, good | typed)
    assert (answer.status, answer.fields) == (400, {"position", "variables.code"})
    unknown: list[tuple[dict[str, Any], str]] = [
        ({"template_id": "none"}, "template_not_found"),
        ({"template_version_id": "none"}, "template_version_not_found"),
        ({"template_version_id": typed["template_version_id"]}, "template_version_not_found"),
        ({"id": "none"}, "campaign_not_found"),
    ]
    for bad, error in unknown:
        answer = await idle_api.call(CREATE, good | bad)
        assert (answer.status, answer.error) == (404, error), bad
    other = f"{brand}-other"
    stranger = caller(transport, idle, other)
    await put_template(stranger, other)
    theirs = await step(stranger, other, position=1)
    answer = await idle_api.call(CREATE, good | theirs, token=idle.token(brand, other))
    assert (answer.status, answer.error) == (404, "template_not_found")
    await ok(idle_api, f"{TEMPLATES}/ArchiveTemplate", {"id": good["template_id"]})
    answer = await idle_api.call(CREATE, good)
    assert (answer.status, answer.fields) == (400, {"template_id"})
    answer = await idle_api.call(
        f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "audience": "segment"}
    )
    assert (answer.status, answer.fields) == (400, {"steps[0].template_id"})
    assert len(await steps_of(idle_api, campaign_id)) == 1


async def test_steps_change_while_the_campaign_has_not_started(
    idle_api: Caller, brand: str
) -> None:
    for status in ("draft", "scheduled", "sending", "cancelled"):
        campaign_id = await campaign_in(idle_api, brand, MESSAGING, status)
        (only,) = await steps_of(idle_api, campaign_id)
        named = {"id": campaign_id, "step_id": only["id"]}
        added = {"id": campaign_id, **await step(idle_api, brand, position=5)}
        answers = [
            await idle_api.call(CREATE, added),
            await idle_api.call(UPDATE, named | {"position": 6}),
            await idle_api.call(DELETE, named),
        ]
        if status in ("draft", "scheduled"):
            assert [answer.status for answer in answers] == [201, 200, 200]
        else:
            refused = [(answer.status, answer.error) for answer in answers]
            assert refused == [(412, "campaign_state")] * 3
            assert await steps_of(idle_api, campaign_id) == [only]


async def test_a_campaign_without_steps_goes_nowhere(idle_api: Caller, brand: str) -> None:
    campaign_id = await messaging_campaign(idle_api, brand, steps=[])
    needs_a_step: dict[str, dict[str, Any]] = {
        "PreviewCampaign": {},
        "ScheduleCampaign": {"scheduled_at": instant(FAR)},
        "PublishCampaign": {"audience": "segment"},
    }
    for verb, more in needs_a_step.items():
        answer = await idle_api.call(f"{MESSAGING}/{verb}", {"id": campaign_id, **more})
        assert (answer.status, answer.error) == (412, "no_steps"), verb
    step_id = await add_step(idle_api, brand, campaign_id)
    await ok(
        idle_api,
        f"{MESSAGING}/ScheduleCampaign",
        {"id": campaign_id, **needs_a_step["ScheduleCampaign"]},
    )
    answer = await idle_api.call(DELETE, {"id": campaign_id, "step_id": step_id})
    assert (answer.status, answer.error) == (412, "no_steps")
    await ok(idle_api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "audience": "segment"})


async def test_everybody_goes_through_the_steps_at_their_addresses(
    running: Running, api: Caller, brand: str
) -> None:
    await take_silence_for_consent(api, brand)
    for channel in ("sms", "in_app"):
        await put_template(api, brand, channel)
    await put_person(api, brand, "ann", phone="")
    await put_person(api, brand, "bob")
    steps = [{}, {"channel": "sms"}, {"channel": "in_app"}]
    campaign_id = await messaging_campaign(api, brand, steps=steps)
    people = [
        {"person_id": "ann", "recipient": "ann@example.com"},
        {"person_id": "bob", "recipient": "+12025550123"},
        {"person_id": "eve", "recipient": "no address"},
        {"person_id": "ann", "recipient": "ANN@example.com"},
    ]
    send = await ok(api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "recipients": people})
    done = await over(running, api, send)
    assert counts(done) == (4, 2, 0, 2)
    went = {
        (each["person_id"], each["channel"]): (each["recipient"], each["status"])
        for each in await messages_of(api, send_id=send["id"])
        if each["failure_reason"] not in ("duplicate", "invalid_recipient")
    }
    assert went == {
        ("ann", "email"): ("ann@example.com", "sent"),
        ("ann", "sms"): ("", "skipped"),
        ("ann", "in_app"): ("ann", "sent"),
        ("bob", "email"): ("bob@example.com", "sent"),
        ("bob", "sms"): ("+12025550123", "sent"),
        ("bob", "in_app"): ("bob", "sent"),
    }
    assert await rows_of(api, send) == [
        (0, "sent", None, 2),
        (0, "skipped", "duplicate", 1),
        (0, "skipped", "invalid_recipient", 1),
        (1, "sent", None, 1),
        (1, "skipped", "no_address", 1),
        (2, "sent", None, 2),
    ]


async def test_a_segment_is_enrolled_but_for_whom_must_not_be_contacted(
    running: Running, api: Caller, brand: str
) -> None:
    await put_template(api, brand, "in_app")
    for person_id, email in (("ann", "ann@example.com"), ("bob", ""), ("cyd", "cyd@example.com")):
        await put_person(api, brand, person_id, email=email)
    await suppress(api, brand, "cyd@example.com", "unsubscribe")
    campaign_id = await messaging_campaign(api, brand, steps=[{}, {"channel": "in_app"}])
    preview = (await ok(api, f"{MESSAGING}/PreviewCampaign", {"id": campaign_id}))["preview"]
    assert (preview["total"], preview["would_send"]) == (3, 1)
    send = await ok(api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "audience": "segment"})
    assert counts(await over(running, api, send)) == (3, 2, 0, 1)
    assert await rows_of(api, send) == [
        (0, "sent", None, 1),
        (0, "skipped", "no_address", 1),
        (0, "skipped", "suppressed", 1),
        (1, "sent", None, 2),
    ]


async def test_a_recipient_has_failed_if_one_of_their_messages_has(
    operated: Operated, operator: Caller, brand: str
) -> None:
    operated.provider.will("ann@example.com", REFUSED)
    campaign_id = await messaging_campaign(operator, brand, steps=[{}, {}])
    people = [
        {"person_id": person, "recipient": f"{person}@example.com"} for person in ("ann", "bob")
    ]
    request = {"id": campaign_id, "recipients": people}
    send = await ok(operator, f"{MESSAGING}/PublishCampaign", request)
    assert counts(send) == (2, 0, 0, 0)
    done = await over(operated.running, operator, send)
    assert counts(done) == (2, 1, 1, 0)
    assert [row[:2] for row in await rows_of(operator, send)] == [
        (0, "failed"),
        (0, "sent"),
        (1, "sent"),
    ]
    again = await ok(operator, f"{SENDS}/RetryFailedMessages", {"id": send["id"]})
    assert counts(await over(operated.running, operator, again)) == (1, 1, 0, 0)


async def test_a_campaign_that_is_cancelled_starts_no_further_step(
    running: Running, api: Caller, brand: str
) -> None:
    campaign_id = await messaging_campaign(api, brand, steps=[{}, {"delay_minutes": 60}])
    people = [{"person_id": "ann", "recipient": "ann@example.com"}]
    send = await ok(api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "recipients": people})
    while not await messages_of(api, send_id=send["id"], status="sent"):
        pass
    answer = await ok(api, f"{MESSAGING}/CancelCampaign", {"id": campaign_id})
    assert answer["receipt"] == {"sent": 1, "in_flight": 0, "cancelled": 1}
    assert counts(await over(running, api, send)) == (1, 1, 0, 0)
    again = await ok(api, f"{MESSAGING}/CancelCampaign", {"id": campaign_id})
    assert again == answer


@pytest.mark.parametrize("delay", [0, 60])
async def test_one_step_is_counted_the_same_whether_it_waits_or_not(
    idle_api: Caller, brand: str, delay: int
) -> None:
    await suppress(idle_api, brand, "gone@example.com", "manual")
    campaign_id = await messaging_campaign(idle_api, brand, steps=[{"delay_minutes": delay}])
    people = [
        {"person_id": person, "recipient": f"{person}@example.com"}
        for person in ("ann", "gone", "bob", "ann")
    ]
    request = {"id": campaign_id, "recipients": people}
    send = await ok(idle_api, f"{MESSAGING}/PublishCampaign", request)
    assert counts(send) == (4, 0, 0, 2)
    assert await rows_of(idle_api, send) == [
        (0, "pending", None, 2),
        (0, "skipped", "duplicate", 1),
        (0, "skipped", "suppressed", 1),
    ]
    answer = await ok(idle_api, f"{MESSAGING}/CancelCampaign", {"id": campaign_id})
    assert answer["receipt"] == {"sent": 0, "in_flight": 0, "cancelled": 2}
    assert counts(await ok(idle_api, f"{SENDS}/GetSend", {"id": send["id"]})) == (4, 0, 0, 4)
