"""From an accepted request to what a person gets: the outbox, the inbox, and the counts that say
so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.api.callers import Caller, caller
from tests.support.api.deliveries import (
    SENDS,
    attempts,
    ended,
    lines,
    mail,
    mailed,
    message,
    messages_of,
    report,
    schedule,
)
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    campaign,
    comms_campaign,
    instant,
    messaging_campaign,
    ok,
    put_person,
    put_segment,
    put_template,
    recipients,
    until,
)

SOON = timedelta(milliseconds=300)


async def completed(running: Running, api: Caller, send_id: str) -> dict[str, Any]:
    """The send once it is completed; its three counts add up to its total."""
    send = await until(
        running, lambda: ok(api, f"{SENDS}/GetSend", {"id": send_id}), "status", "completed"
    )
    assert send["completed_at"] is not None
    assert (
        send["sent_count"] + send["failed_count"] + send["skipped_count"]
        == send["total_recipients"]
    )
    return send


async def publish(api: Caller, campaign_id: str, *people: dict[str, str]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "id": campaign_id,
        **({"recipients": list(people)} if people else {"audience": "segment"}),
    }
    return await ok(api, f"{MESSAGING}/PublishCampaign", request)


async def sends_of(api: Caller, face: str, campaign_id: str) -> list[dict[str, Any]]:
    verb = "ListCampaignHistory" if face == COMMS else "ListCampaignSends"
    sends: list[dict[str, Any]] = (await ok(api, f"{face}/{verb}", {"id": campaign_id}))["sends"]
    return sends


async def test_email_lands_in_the_outbox_whole(running: Running, api: Caller, brand: str) -> None:
    text, html = "Olá {{ name }},\n.\nFrom here\n", "<p>Olá <b>{{ name }}</b></p>"
    await put_template(api, brand, subject="Caro {{ name }} 🌻", body=text, html=html)
    accepted = await schedule(
        api, brand, recipient="zoe@example.com", variables={"name": "Zoë & Co"}
    )
    assert (await ended(api, accepted["id"]))["status"] == "sent"
    found = mail(running, accepted["id"])
    assert (found["To"], found["Subject"]) == ("zoe@example.com", "Caro Zoë & Co 🌻")
    plain, rich = found.get_body(("plain",)), found.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().splitlines() == ["Olá Zoë & Co,", ".", "From here"]
    assert rich.get_content().strip() == "<p>Olá <b>Zoë &amp; Co</b></p>"


@pytest.mark.parametrize("channel", ["sms", "push"])
async def test_line_lands_in_the_outbox_once(
    running: Running, api: Caller, brand: str, channel: str
) -> None:
    subject = {"subject": "Hi {{ name }}"} if channel == "push" else {}
    await put_template(api, brand, channel, body="Olá {{ name }}\nbye", **subject)
    accepted = await schedule(
        api, brand, channel=channel, recipient="+351210000001", variables={"name": "Zoë"}
    )
    assert (await ended(api, accepted["id"]))["status"] == "sent"
    (line,) = lines(running, channel, accepted["id"])
    assert (line["to"], line["body"], line["person_id"], line["brand_id"]) == (
        "+351210000001",
        "Olá Zoë\nbye",
        "ann",
        brand,
    )
    assert line.get("subject") == ("Hi Zoë" if channel == "push" else None)


async def test_in_app_message_is_in_the_inbox_newest_first(
    running: Running, api: Caller, brand: str
) -> None:
    await put_template(api, brand, "in_app", subject="Hi", body="Number {{ number }}")
    ids = []
    for number in (1, 2):
        accepted = await schedule(
            api,
            brand,
            channel="in_app",
            recipient="ann",
            dedup_key=f"key-{number}",
            variables={"number": number},
        )
        assert (await ended(api, accepted["id"]))["status"] == "sent"
        ids.append(accepted["id"])
    inbox = await ok(
        api, "comms.InboxService/ListInboxItems", {"person_id": "ann", "brand_id": brand}
    )
    assert [(item["message_id"], item["title"], item["body"]) for item in inbox["data"]] == [
        (ids[1], "Hi", "Number 2"),
        (ids[0], "Hi", "Number 1"),
    ]
    assert (await ok(api, "comms.InboxService/ListInboxItems", {"person_id": "bob"}))["data"] == []
    (attempt,) = await attempts(api, ids[0])
    assert (attempt["provider"], attempt["outcome"]) == ("in_app", "accepted")


@pytest.mark.parametrize("channel", ["email", "in_app"])
async def test_message_due_later_goes_out_no_earlier(api: Caller, brand: str, channel: str) -> None:
    await put_template(api, brand, channel)
    due = instant(SOON)
    recipient = "ann" if channel == "in_app" else "ann@example.com"
    accepted = await schedule(api, brand, channel=channel, recipient=recipient, scheduled_at=due)
    assert (accepted["status"], await attempts(api, accepted["id"])) == ("pending", [])
    sent = await ended(api, accepted["id"])
    assert (sent["status"], sent["scheduled_at"]) == ("sent", accepted["scheduled_at"])
    (attempt,) = await attempts(api, accepted["id"])
    assert (attempt["number"], attempt["outcome"], attempt["reason"]) == (1, "accepted", None)
    at = [
        datetime.fromisoformat(each)
        for each in (due, attempt["started_at"], attempt["finished_at"])
    ]
    assert at == sorted(at)
    assert datetime.fromisoformat(sent["sent_at"]) >= at[0]


async def test_message_keeps_the_revision_it_was_accepted_with(
    running: Running, api: Caller, brand: str
) -> None:
    await put_template(api, brand, body="old words")
    accepted = await schedule(api, brand, scheduled_at=instant(SOON))
    await put_template(api, brand, body="new words")
    await ended(api, accepted["id"])
    assert mail(running, accepted["id"]).get_content().strip() == "old words"


async def test_message_that_cannot_be_rendered_fails_with_a_reason_and_no_attempt(
    api: Caller, brand: str
) -> None:
    await put_template(api, brand, body="{{ count | divided_by: 0 }}")
    accepted = await schedule(api, brand, variables={"count": 1})
    failed = await ended(api, accepted["id"])
    assert failed["status"] == "failed"
    assert failed["failure_reason"] is not None
    assert await attempts(api, accepted["id"]) == []


async def test_cancelled_message_never_goes_out(running: Running, api: Caller, brand: str) -> None:
    await put_template(api, brand)
    due = instant(SOON)
    accepted = await schedule(api, brand, scheduled_at=due)
    later = await schedule(api, brand, scheduled_at=due, dedup_key="later")
    await ok(api, "comms.MessageService/CancelMessage", {"id": accepted["id"]})
    await ended(api, later["id"])
    assert (await message(api, accepted["id"]))["status"] == "cancelled"
    assert mailed(running) & {accepted["id"], later["id"]} == {later["id"]}
    assert await attempts(api, accepted["id"]) == []


async def test_publish_to_the_segment_goes_to_everybody_in_it(
    running: Running, api: Caller, brand: str
) -> None:
    for person_id, plan, more in [
        ("ann", "pro", {}),
        ("bob", "free", {}),
        ("cid", "pro", {"email": ""}),
        ("dot", "pro", {}),
        ("eve", 1, {}),
    ]:
        await put_person(
            api,
            brand,
            person_id,
            attributes={"plan": plan, "first_name": person_id.title()},
            **more,
        )
    await put_template(api, brand, key="news", subject="News", body="Hello {{ person.first_name }}")
    criteria = {"==": [{"var": "plan"}, "pro"]}
    campaign_id = await messaging_campaign(api, brand, criteria=criteria, steps=[{"key": "news"}])
    started = await publish(api, campaign_id)
    assert started["total_recipients"] == 3
    send = await completed(running, api, started["id"])
    assert (send["total_recipients"], send["sent_count"], send["skipped_count"]) == (3, 2, 1)
    rows = await messages_of(api, send_id=send["id"])
    assert {
        (row["person_id"], row["recipient"], row["status"], row["failure_reason"]) for row in rows
    } == {
        ("ann", "ann@example.com", "sent", None),
        ("cid", "", "skipped", "no_address"),
        ("dot", "dot@example.com", "sent", None),
    }
    (to_ann,) = [row["id"] for row in rows if row["person_id"] == "ann"]
    assert mail(running, to_ann).get_content().strip() == "Hello Ann"


@pytest.mark.parametrize(
    ("channel", "addresses"), [("sms", "+12025550100"), ("push", "device-ann"), ("in_app", "ann")]
)
async def test_segment_is_reached_at_the_address_of_the_channel(
    running: Running, api: Caller, brand: str, channel: str, addresses: str
) -> None:
    await put_person(api, brand, "ann", push_tokens=["device-ann", "second-device"])
    started = await publish(api, await messaging_campaign(api, brand, channel))
    await completed(running, api, started["id"])
    assert [row["recipient"] for row in await messages_of(api, send_id=started["id"])] == [
        addresses
    ]


async def test_publish_with_recipients_goes_to_exactly_those(
    running: Running, api: Caller, brand: str
) -> None:
    await put_person(api, brand, "in-the-segment")
    ann, blank = (
        {"person_id": "ann", "recipient": "ann@example.com"},
        {"person_id": "", "recipient": "x@example.com"},
    )
    other_address = {"person_id": "ann", "recipient": "ann@other.example"}
    no_address = {"person_id": "bob", "recipient": " "}
    started = await publish(
        api, await messaging_campaign(api, brand), ann, ann, other_address, blank, no_address, ann
    )
    assert (started["status"], started["total_recipients"], started["skipped_count"]) == (
        "sending",
        6,
        4,
    )
    send = await completed(running, api, started["id"])
    assert (send["sent_count"], send["failed_count"], send["skipped_count"]) == (2, 0, 4)
    found = await report(api, send["id"])
    assert [(row["status"], row["reason"], row["count"]) for row in found["rows"]] == [
        ("sent", None, 2),
        ("skipped", "duplicate", 2),
        ("skipped", "invalid_recipient", 2),
    ]
    sent = await messages_of(api, send_id=send["id"], status="sent")
    assert {mail(running, row["id"])["To"] for row in sent} == {
        "ann@example.com",
        "ann@other.example",
    }


async def test_comms_send_reaches_everybody_and_counts_them(
    running: Running, api: Caller, brand: str
) -> None:
    campaign_id = await comms_campaign(
        api, brand, subject="For {{ name }}", variables={"name": "all"}
    )
    people = recipients(150)
    send = (await ok(api, f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": people}))[
        "send"
    ]
    assert (send["status"], send["total_recipients"], send["sent"], send["failed"]) == (
        "sending",
        150,
        0,
        0,
    )
    done = await until(running, lambda: campaign(api, COMMS, campaign_id), "status", "sent")
    after = (await ok(api, f"{COMMS}/GetSend", {"id": send["id"]}))["send"]
    assert (after["status"], after["sent"], after["failed"], after["completed_at"]) == (
        "completed",
        150,
        0,
        done["sent_at"],
    )
    rows = await messages_of(api, send_id=send["id"])
    assert sorted(mail(running, row["id"])["To"] for row in rows) == sorted(
        each["recipient"] for each in people
    )
    assert {mail(running, row["id"])["Subject"] for row in rows} == {"For all"}
    assert (await report(api, send["id"]))["sent"] == 150


async def test_some_fail_and_the_sums_still_match(
    running: Running, api: Caller, brand: str
) -> None:
    body = "{% if person.broken %}{{ 1 | divided_by: 0 }}{% endif %}Hello"
    await put_template(api, brand, key="broken", body=body)
    campaign_id = await messaging_campaign(api, brand, steps=[{"key": "broken"}])
    for person_id in ("ann", "bob", "cid"):
        await put_person(api, brand, person_id, attributes={"broken": person_id == "bob"})
    send = await completed(running, api, (await publish(api, campaign_id))["id"])
    assert (send["sent_count"], send["failed_count"], send["skipped_count"]) == (2, 1, 0)
    found = await report(api, send["id"])
    assert [(row["status"], row["count"]) for row in found["rows"]] == [("failed", 1), ("sent", 2)]
    (row,) = await messages_of(api, send_id=send["id"], status="failed")
    assert (row["person_id"], row["failure_reason"]) == ("bob", found["rows"][0]["reason"])


async def test_publish_to_an_empty_segment_completes_at_once(
    running: Running, api: Caller, brand: str
) -> None:
    campaign_id = await messaging_campaign(api, brand)
    send = await completed(running, api, (await publish(api, campaign_id))["id"])
    assert send["total_recipients"] == 0
    assert (await campaign(api, MESSAGING, campaign_id))["status"] == "sent"
    assert (await report(api, send["id"]))["rows"] == []


async def test_scheduled_comms_campaign_sends_itself_to_its_criteria(
    running: Running, api: Caller, brand: str
) -> None:
    for person_id, plan in (("ann", "pro"), ("bob", "free")):
        await put_person(api, brand, person_id, attributes={"plan": plan})
    due = instant(SOON)
    campaign_id = await comms_campaign(
        api, brand, segment_criteria={"==": ["pro", {"var": "plan"}]}, scheduled_at=due
    )
    assert (await campaign(api, COMMS, campaign_id))["status"] == "scheduled"
    await until(running, lambda: campaign(api, COMMS, campaign_id), "status", "sent")
    (send,) = await sends_of(api, COMMS, campaign_id)
    assert (send["created_by"], send["total_recipients"], send["sent"]) == ("tester", 1, 1)
    assert datetime.fromisoformat(send["started_at"]) >= datetime.fromisoformat(due)
    assert [row["person_id"] for row in await messages_of(api, send_id=send["id"])] == ["ann"]


async def test_scheduled_messaging_campaign_publishes_itself_in_the_name_of_its_creator(
    running: Running, api: Caller, brand: str
) -> None:
    await put_person(api, brand, "ann")
    campaign_id = await messaging_campaign(api, brand)
    due = instant(SOON)
    planner = running.token(brand, subject="planner")
    answer = await api.call(
        f"{MESSAGING}/ScheduleCampaign", {"id": campaign_id, "scheduled_at": due}, token=planner
    )
    assert (answer.status, answer.body["created_by"]) == (200, "tester")
    done = await until(running, lambda: campaign(api, MESSAGING, campaign_id), "status", "sent")
    assert datetime.fromisoformat(done["published_at"]) >= datetime.fromisoformat(due)
    (send,) = await sends_of(api, MESSAGING, campaign_id)
    assert (send["created_by"], send["sent_count"]) == ("tester", 1)


async def test_publish_by_another_caller_is_in_their_name(
    running: Running, api: Caller, brand: str
) -> None:
    request = {"id": await messaging_campaign(api, brand), "recipients": recipients(1)}
    publisher = running.token(brand, subject="publisher")
    assert (await api.call(f"{MESSAGING}/PublishCampaign", request, token=publisher)).body[
        "created_by"
    ] == "publisher"


async def test_campaign_taken_back_or_moved_away_does_not_go_out(
    running: Running, brand: str
) -> None:
    api = caller("grpc", running, brand)
    await put_person(api, brand, "ann")
    unscheduled, moved, kept = [await messaging_campaign(api, brand) for _ in range(3)]
    # Far enough that two are taken back before, on a busy machine too.
    due = instant(7 * SOON)
    for campaign_id in (unscheduled, moved, kept):
        await ok(api, f"{MESSAGING}/ScheduleCampaign", {"id": campaign_id, "scheduled_at": due})
    await ok(api, f"{MESSAGING}/UnscheduleCampaign", {"id": unscheduled})
    await ok(api, f"{MESSAGING}/ScheduleCampaign", {"id": moved, "scheduled_at": instant(FAR)})
    await until(running, lambda: campaign(api, MESSAGING, kept), "status", "sent")
    assert (await campaign(api, MESSAGING, unscheduled))["status"] == "draft"
    assert (await campaign(api, MESSAGING, moved))["status"] == "scheduled"
    assert (
        await sends_of(api, MESSAGING, unscheduled) == await sends_of(api, MESSAGING, moved) == []
    )


async def test_segment_is_resolved_when_the_send_starts(
    running: Running, api: Caller, brand: str
) -> None:
    campaign_id = await messaging_campaign(api, brand)
    await put_person(api, brand, "ann")
    await put_segment(api, brand)
    send = await completed(running, api, (await publish(api, campaign_id))["id"])
    await put_person(api, brand, "bob")
    assert [row["person_id"] for row in await messages_of(api, send_id=send["id"])] == ["ann"]
