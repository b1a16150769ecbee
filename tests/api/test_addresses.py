"""Addresses and persons' ids at the door: put in normal form, or refused, in every call that takes
one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api.callers import METHODS, POLICIES, Caller, full_path
from tests.support.api.deliveries import MESSAGES, messages_of, one_off, schedule
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    TEMPLATES,
    comms_campaign,
    messaging_campaign,
    ok,
    put_template,
    template_id,
)
from tests.support.api.suppressing import SUPPRESSIONS, find, suppress, take_silence_for_consent

PEOPLE = "messaging.PersonService"
INBOX = "comms.InboxService"
NORMAL = [
    ("email", "mia@straße.example.com", "mia@xn--strae-oqa.example.com"),
    ("email", " Eva@EXAMPLE.com ", "eva@example.com"),
    ("email", "JOSE\u0301@bücher.example", "josé@xn--bcher-kva.example"),
    ("sms", "+44 (0)20 7946 0018", "+442079460018"),
    ("push", " device-1 ", "device-1"),
    ("in_app", " ann ", "ann"),
]
BAD = {
    "email": [
        "\u200bgil@example.com",
        "gil@exam\u00adple.com",
        "Eva <eva@example.com>",
        "not an email",
        "eva@localhost",
    ],
    "sms": ["call me", "2025550199", "\u202a+12025550199\u202c"],
    "push": ["device\ufeff"],
    "in_app": [".."],
}
GOOD = {"email": "bob@example.com", "sms": "+12025550111"}
NO_IDS = [".", "..", "c\u200b1"]


async def test_a_one_off_is_kept_under_the_normal_form_which_is_the_same_request(
    idle_api: Caller, brand: str
) -> None:
    for channel in dict.fromkeys(channel for channel, _, _ in NORMAL):
        await put_template(idle_api, brand, channel)
    for key, (channel, given, normal) in enumerate(NORMAL):
        request = {"channel": channel, "dedup_key": f"key-{key}"}
        made = await schedule(idle_api, brand, **request, recipient=given)
        assert made["recipient"] == normal
        again = await schedule(idle_api, brand, **request, recipient=normal, person_id=" ann")
        assert again["id"] == made["id"]


async def test_a_suppression_is_kept_and_found_under_the_normal_form(
    idle_api: Caller, brand: str
) -> None:
    for channel, given, normal in NORMAL:
        made = await suppress(idle_api, brand, given, "manual", channel)
        assert (made.status, made.body["address"]) == (200, normal)
        for spelling in (given, normal):
            found = (await find(idle_api, brand, spelling, channel)).body
            assert found == {"suppressed": True, "suppression": made.body}


@pytest.mark.parametrize("channel", BAD)
async def test_what_no_message_can_go_to_is_refused_by_every_call_that_takes_it(
    idle_api: Caller, brand: str, channel: str
) -> None:
    campaign_id = await comms_campaign(idle_api, brand, channel=channel)
    for address in BAD[channel]:
        recipients = [
            {"person_id": "ann", "recipient": each} for each in (GOOD.get(channel, "ann"), address)
        ]
        new = {"channel": channel, "address": address, "reason": "manual", "source": "test"}
        for method, request, field in (
            (
                f"{MESSAGES}/ScheduleMessage",
                one_off(brand, channel=channel, recipient=address),
                "recipient",
            ),
            (
                f"{COMMS}/SendCampaign",
                {"id": campaign_id, "recipients": recipients},
                "recipients[1].recipient",
            ),
            (
                f"{COMMS}/PreviewCampaign",
                {"id": campaign_id, "recipients": recipients},
                "recipients[1].recipient",
            ),
            (f"{SUPPRESSIONS}/CreateSuppression", {"brand_id": brand, **new}, "address"),
            (
                f"{SUPPRESSIONS}/BatchCreateSuppressions",
                {"brand_id": brand, "suppressions": [new]},
                "suppressions[0].address",
            ),
            (
                f"{SUPPRESSIONS}/GetSuppression",
                {"brand_id": brand, "channel": channel, "email": address},
                "email",
            ),
        ):
            if field == "email" and address in (".", "..") and hasattr(idle_api, "client"):
                # No path can name it.
                continue
            answer = await idle_api.call(method, request)
            assert (answer.status, answer.error, answer.fields) == (
                422,
                "validation_failed",
                {field},
            ), method
    assert await messages_of(idle_api, brand_id=brand) == []


@pytest.mark.parametrize(
    ("known", "field"),
    [
        ({"email": "\u200bgil@example.com"}, "email"),
        ({"email": "Eva <eva@example.com>"}, "email"),
        ({"phone": "2025550199"}, "phone"),
        ({"push_tokens": ["ok", "device\ufeff"]}, "push_tokens[1]"),
    ],
)
async def test_a_person_has_no_address_that_no_message_can_go_to(
    idle_api: Caller, brand: str, known: dict[str, Any], field: str
) -> None:
    one = await idle_api.call(
        f"{PEOPLE}/PutPerson", {"brand_id": brand, "person_id": "ann", **known}
    )
    many = await idle_api.call(
        f"{PEOPLE}/BatchPutPeople", {"brand_id": brand, "people": [{"person_id": "ann", **known}]}
    )
    assert (one.status, one.fields, many.status, many.fields) == (
        400,
        {field},
        400,
        {f"people[0].{field}"},
    )


async def test_a_person_is_kept_under_the_normal_form_of_all_addresses(
    idle_api: Caller, brand: str
) -> None:
    given = {
        "email": "Mia@Straße.example.com",
        "phone": "+44 (0)20 7946 0018",
        "push_tokens": [" device-1 "],
    }
    await ok(
        idle_api,
        f"{PEOPLE}/BatchPutPeople",
        {"brand_id": brand, "people": [{"person_id": " i1 ", **given}]},
    )
    person = await ok(idle_api, f"{PEOPLE}/GetPerson", {"brand_id": brand, "person_id": "i1"})
    assert (person["person_id"], person["email"], person["phone"], person["push_tokens"]) == (
        "i1", "mia@xn--strae-oqa.example.com", "+442079460018", ["device-1"]
    )  # fmt: skip


async def test_one_person_at_two_spellings_of_one_address_gets_one_mail(
    idle_api: Caller, brand: str
) -> None:
    recipients = [
        {"person_id": "eva", "recipient": address}
        for address in ("eva@example.com", "eva@EXAMPLE.com")
    ]
    comms = await ok(
        idle_api,
        f"{COMMS}/SendCampaign",
        {"id": await comms_campaign(idle_api, brand), "recipients": recipients},
    )
    messaging = await ok(
        idle_api,
        f"{MESSAGING}/PublishCampaign",
        {"id": await messaging_campaign(idle_api, brand), "recipients": recipients},
    )
    for send_id in (comms["send"]["id"], messaging["id"]):
        sent = await messages_of(idle_api, brand_id=brand, send_id=send_id)
        assert [
            (each["recipient"], each["failure_reason"])
            for each in sorted(sent, key=lambda each: str(each["failure_reason"]))
        ] == [
            ("eva@example.com", None),
            ("eva@example.com", "duplicate"),
        ]


@pytest.mark.parametrize("channel", BAD)
async def test_publishing_skips_what_no_message_can_go_to_and_keeps_it_as_given(
    idle_api: Caller, brand: str, channel: str
) -> None:
    await take_silence_for_consent(idle_api, brand)
    campaign_id = await messaging_campaign(idle_api, brand, channel)
    good, bad = GOOD.get(channel, "ann"), BAD[channel]
    request = {
        "id": campaign_id,
        "recipients": [{"person_id": "ann", "recipient": each} for each in (good, *bad)],
    }
    preview = (await ok(idle_api, f"{MESSAGING}/PreviewCampaign", request))["preview"]
    skips = [{"reason": "invalid_recipient", "count": len(bad)}]
    assert (preview["would_send"], preview["skips"]) == (1, skips)
    send = await ok(idle_api, f"{MESSAGING}/PublishCampaign", request)
    sent = await messages_of(idle_api, brand_id=brand, send_id=send["id"])
    expected = {good: None, **dict.fromkeys(bad, "invalid_recipient")}
    assert {each["recipient"]: each["failure_reason"] for each in sent} == expected


async def test_the_address_of_in_app_is_the_person(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand, "in_app")
    answer = await idle_api.call(
        f"{MESSAGES}/ScheduleMessage",
        one_off(brand, channel="in_app", person_id="c-1", recipient="somebody-else"),
    )
    assert (answer.status, answer.fields) == (422, {"recipient"})
    recipients = [{"person_id": "c-1", "recipient": each} for each in ("c-1", "somebody-else")]
    campaign_id = await comms_campaign(idle_api, brand, channel="in_app")
    answer = await idle_api.call(
        f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": recipients}
    )
    assert (answer.status, answer.fields) == (422, {"recipients[1].recipient"})
    await suppress(idle_api, brand, "c-1", "manual", "in_app")
    campaign_id = await messaging_campaign(idle_api, brand, "in_app")
    send = await ok(
        idle_api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "recipients": recipients}
    )
    sent = await messages_of(idle_api, brand_id=brand, send_id=send["id"])
    assert {each["recipient"]: each["failure_reason"] for each in sent} == {
        "c-1": "suppressed",
        "somebody-else": "invalid_recipient",
    }


@pytest.mark.parametrize("person_id", NO_IDS)
async def test_an_id_that_no_path_can_name_is_refused_wherever_one_is_taken(
    idle_api: Caller, brand: str, person_id: str
) -> None:
    await put_template(idle_api, brand)
    recipients = [{"person_id": person_id, "recipient": "ann@example.com"}]
    one, preview = await comms_campaign(idle_api, brand), await comms_campaign(idle_api, brand)
    calls = [
        (
            f"{PEOPLE}/BatchPutPeople",
            {"brand_id": brand, "people": [{"person_id": person_id}]},
            "people[0].person_id",
        ),
        (f"{MESSAGES}/ScheduleMessage", one_off(brand, person_id=person_id), "person_id"),
        (f"{MESSAGES}/ListMessages", {"brand_id": brand, "person_id": person_id}, "person_id"),
        (
            f"{TEMPLATES}/RenderTemplate",
            {"id": await template_id(idle_api, brand), "payload": {}, "person_id": person_id},
            "person_id",
        ),
        (f"{COMMS}/SendCampaign", {"id": one, "recipients": recipients}, "recipients[0].person_id"),
        (
            f"{COMMS}/PreviewCampaign",
            {"id": preview, "recipients": recipients},
            "recipients[0].person_id",
        ),
        (
            f"{SUPPRESSIONS}/CreateSuppression",
            {
                "brand_id": brand,
                "channel": "in_app",
                "address": person_id,
                "reason": "manual",
                "source": "test",
            },
            "address",
        ),
    ]
    named = {"brand_id": brand, "person_id": person_id}
    if person_id not in (".", "..") or not hasattr(idle_api, "client"):
        calls += [
            (method, named, "person_id")
            for method in (f"{PEOPLE}/PutPerson", f"{PEOPLE}/GetPerson", f"{PEOPLE}/DeletePerson")
        ]
        calls.append((f"{INBOX}/ListInboxItems", named, "person_id"))
    for method, request, field in calls:
        answer = await idle_api.call(method, request)
        assert (answer.status, answer.fields) == (
            POLICIES[full_path(METHODS[method])].invalid_argument_status,
            {field},
        ), method


MARKS = [
    *"!\"#$%&'()*+,-/:;<=>?@[\\]^_`{|}~",
    "%2F",
    "%2e",
    "..",
    "/../",
    "/./",
    "//",
    "\\..\\",
    " ",
    "é",
    "日",
]


async def test_every_id_that_is_taken_can_be_named_in_a_path(idle_api: Caller, brand: str) -> None:
    ids = [each for mark in MARKS for each in (f"a{mark}b", f"{mark}a", f"a{mark}.", f".a{mark}")]
    people = [{"person_id": each} for each in {each.strip() for each in ids}]
    await ok(idle_api, f"{PEOPLE}/BatchPutPeople", {"brand_id": brand, "people": people})
    for each in ids:
        found = await ok(idle_api, f"{PEOPLE}/GetPerson", {"brand_id": brand, "person_id": each})
        assert found["person_id"] == each.strip()


async def test_the_messages_of_any_person_are_found(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    for person_id in ["Ann B", "a+b", "a&b=c", "a%20b", "é"]:
        made = await schedule(idle_api, brand, person_id=person_id, dedup_key=person_id)
        assert await messages_of(idle_api, brand_id=brand, person_id=person_id) == [made]


async def test_nobody_is_in_a_batch_twice_however_the_id_is_written(
    idle_api: Caller, brand: str
) -> None:
    people = [{"person_id": each} for each in ("i1", " i1 ")]
    answer = await idle_api.call(f"{PEOPLE}/BatchPutPeople", {"brand_id": brand, "people": people})
    assert (answer.status, answer.fields) == (400, {"people[1].person_id"})
