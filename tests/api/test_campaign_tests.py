"""Trying a campaign out on one address, and making a draft of any campaign."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api.callers import Caller
from tests.support.api.deliveries import MESSAGES, SENDS, mail, message, messages_of
from tests.support.api.running import Running
from tests.support.api.scenes import (
    FAR,
    MESSAGING,
    campaign,
    campaign_in,
    instant,
    messaging_campaign,
    ok,
    put_person,
    put_template,
    recipients,
)
from tests.support.api.suppressing import suppress

TEST, DUPLICATE = f"{MESSAGING}/TestCampaign", f"{MESSAGING}/DuplicateCampaign"
VARIABLES = {"news": "it is here"}
SUBJECT = "{{ campaign.name }} for {{ person.email }}"


async def campaign_with_variables(api: Caller, brand: str) -> str:
    """The id of a draft whose step has variables."""
    await put_template(
        api, brand, key="news", subject=SUBJECT, body="Dear {{ person.plan }}: {{ news }}"
    )
    return await messaging_campaign(api, brand, steps=[{"key": "news", "variables": VARIABLES}])


async def said(api: Caller, campaign_id: str) -> list[dict[str, Any]]:
    """The steps of a campaign, but for whose they are."""
    steps = (await ok(api, f"{MESSAGING}/ListCampaignSteps", {"id": campaign_id}))["items"]
    assert steps
    return [
        {key: value for key, value in step.items() if key not in ("id", "campaign_id")}
        for step in steps
    ]


async def test_a_test_is_what_the_audience_would_get(
    running: Running, api: Caller, brand: str
) -> None:
    campaign_id = await campaign_with_variables(api, brand)
    await put_person(api, brand, "ann", attributes={"plan": "gold"})
    request = {"id": campaign_id, "recipient": "Editor@example.com"}
    body = await ok(api, TEST, {**request, "person_id": "ann"})
    assert (body["status"], body["provider"], body["failure_reason"]) == (
        "sent",
        "email_outbox",
        None,
    )
    tried = mail(running, body["message_id"])
    assert (tried["to"], tried["subject"]) == ("editor@example.com", "news for ann@example.com")
    assert tried.get_content().startswith("Dear gold: it is here")
    send = await ok(
        api,
        f"{MESSAGING}/PublishCampaign",
        {"id": campaign_id, "recipients": [{"person_id": "ann", "recipient": "ann@example.com"}]},
    )
    while not (sent := await messages_of(api, send_id=send["id"], status="sent")):
        pass
    real = mail(running, sent[0]["id"])
    assert (real["subject"], real.get_content().splitlines()[0]) == (
        tried["subject"],
        tried.get_content().splitlines()[0],
    )


async def test_a_test_is_counted_nowhere_and_changes_nothing(idle_api: Caller, brand: str) -> None:
    for status in ("draft", "scheduled"):
        campaign_id = await campaign_in(idle_api, brand, MESSAGING, status)
        before = await campaign(idle_api, MESSAGING, campaign_id)
        body = await ok(idle_api, TEST, {"id": campaign_id, "recipient": "editor@example.com"})
        assert (body["status"], body["provider"]) == ("pending", None)
        tried = await message(idle_api, body["message_id"])
        assert (tried["person_id"], tried["dedup_key"]) == ("test", "")
        assert await campaign(idle_api, MESSAGING, campaign_id) == before
        assert (await ok(idle_api, f"{MESSAGING}/ListCampaignSends", {"id": campaign_id}))[
            "sends"
        ] == []
        assert await messages_of(idle_api, campaign_id=campaign_id) == []


async def test_a_timeline_names_the_campaign_of_a_test(api: Caller, brand: str) -> None:
    campaign_id = await campaign_with_variables(api, brand)
    body = await ok(api, TEST, {"id": campaign_id, "recipient": "editor@example.com"})
    # What the campaign becomes later changes nothing of what was said.
    await ok(api, f"{MESSAGING}/UpdateCampaign", {"id": campaign_id, "name": "other"})
    found = await ok(api, f"{MESSAGES}/GetMessageTimeline", {"id": body["message_id"]})
    assert (found["campaign_id"], found["send_id"]) == (campaign_id, None)
    assert found["content"]["subject"] == "news for"


async def test_in_app_goes_to_the_person_that_is_the_recipient(api: Caller, brand: str) -> None:
    campaign_id = await messaging_campaign(api, brand, "in_app")
    body = await ok(api, TEST, {"id": campaign_id, "recipient": "ann"})
    assert (body["status"], (await message(api, body["message_id"]))["person_id"]) == (
        "sent",
        "ann",
    )


@pytest.mark.parametrize(
    ("more", "status", "error"),
    [
        ({"recipient": "no address"}, 400, "validation_failed"),
        ({"recipient": "gone@example.com"}, 400, "suppressed"),
        ({"person_id": ".."}, 400, "validation_failed"),
        ({"id": "none"}, 404, "campaign_not_found"),
    ],
)
async def test_what_cannot_be_tried_is_refused(
    idle_api: Caller, brand: str, more: dict[str, Any], status: int, error: str
) -> None:
    assert (await suppress(idle_api, brand, "gone@example.com", "complaint")).status < 300
    campaign_id = await campaign_in(idle_api, brand, MESSAGING, "draft")
    request = {"id": campaign_id, "recipient": "editor@example.com", **more}
    answer = await idle_api.call(TEST, request)
    assert (answer.status, answer.error) == (status, error)
    assert await messages_of(idle_api) == []


async def test_any_step_can_be_tried(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand, "sms")
    campaign_id = await messaging_campaign(idle_api, brand, steps=[{}, {"channel": "sms"}])
    steps = (await ok(idle_api, f"{MESSAGING}/ListCampaignSteps", {"id": campaign_id}))["items"]
    for step, recipient in zip(steps, ("ann@example.com", "+12025550100"), strict=True):
        request = {"id": campaign_id, "step_id": step["id"], "recipient": recipient}
        tried = await ok(idle_api, TEST, request)
        found = await message(idle_api, tried["message_id"])
        assert (found["recipient"], found["template_key"]) == (recipient, "welcome")
    other = {"id": campaign_id, "step_id": "none", "recipient": "ann@example.com"}
    answer = await idle_api.call(TEST, other)
    assert (answer.status, answer.error) == (404, "step_not_found")


async def test_a_campaign_without_steps_or_that_goes_out_cannot_be_tried(
    idle_api: Caller, brand: str
) -> None:
    to = {"recipient": "editor@example.com"}
    for status in ("sending", "cancelled"):
        campaign_id = await campaign_in(idle_api, brand, MESSAGING, status)
        answer = await idle_api.call(TEST, {"id": campaign_id, **to})
        assert (answer.status, answer.error) == (412, "campaign_state")
    campaign_id = await messaging_campaign(idle_api, brand, steps=[])
    answer = await idle_api.call(TEST, {"id": campaign_id, **to})
    assert (answer.status, answer.error) == (412, "no_steps")


async def test_a_duplicate_says_the_same_and_starts_anew(idle_api: Caller, brand: str) -> None:
    steps: list[dict[str, Any]] = [{"variables": VARIABLES}, {"delay_minutes": 60}]
    original = await messaging_campaign(
        idle_api, brand, steps=steps, description="Monthly", allow_shared_addresses=True
    )
    await ok(
        idle_api,
        f"{MESSAGING}/ScheduleCampaign",
        {"id": original, "scheduled_at": instant(FAR)},
    )
    was = await campaign(idle_api, MESSAGING, original)
    answer = await idle_api.call(DUPLICATE, {"id": original})
    copy = answer.body
    assert (answer.status, copy["status"], copy["name"]) == (201, "draft", "news (copy)")
    assert copy == await campaign(idle_api, MESSAGING, copy["id"])
    same = ("brand_id", "description", "segment_id")
    assert [copy[key] for key in same] == [was[key] for key in same]
    assert [copy[key] for key in ("scheduled_at", "published_at", "sent_at")] == [None] * 3
    assert await said(idle_api, copy["id"]) == await said(idle_api, original)
    assert await campaign(idle_api, MESSAGING, original) == was
    preview = await ok(
        idle_api, f"{MESSAGING}/PreviewCampaign", {"id": copy["id"], "recipients": recipients(1)}
    )
    assert preview["allow_shared_addresses"]


async def test_campaigns_in_every_status_can_be_duplicated_also_under_a_name(
    idle_api: Caller, brand: str
) -> None:
    for status in ("draft", "sending", "cancelled"):
        original = await campaign_in(idle_api, brand, MESSAGING, status)
        copy = await ok(idle_api, DUPLICATE, {"id": original, "name": "again"})
        assert (copy["status"], copy["name"]) == ("draft", "again")
    long = await messaging_campaign(idle_api, brand, name="n" * 200)
    assert (await ok(idle_api, DUPLICATE, {"id": long}))["name"] == f"{'n' * 193} (copy)"
    answer = await idle_api.call(DUPLICATE, {"id": "none"})
    assert (answer.status, answer.error) == (404, "campaign_not_found")


async def test_a_duplicate_can_be_published(api: Caller, brand: str) -> None:
    original = await messaging_campaign(api, brand)
    copy = await ok(api, DUPLICATE, {"id": original})
    send = await ok(
        api, f"{MESSAGING}/PublishCampaign", {"id": copy["id"], "recipients": recipients(1)}
    )
    assert (await ok(api, f"{SENDS}/GetSend", {"id": send["id"]}))["campaign_id"] == copy["id"]
