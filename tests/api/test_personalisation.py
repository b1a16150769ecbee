"""What people find in their inbox: their language, their data, their campaign."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    add_step,
    instant,
    ok,
    put_person,
    put_segment,
    put_template,
    until,
)

BODY = (
    "{{ person.first_name | default: 'you' }} {{ a }}{{ b }}{{ c }} {{ brand.id }} {{ "
    "campaign.name }}"
)
LANGUAGES: dict[str, Any] = {
    "subject": "news",
    "body": f"en {BODY}",
    "variable_schema": [{"name": name, "default_value": "default"} for name in "abc"],
    "variants": [
        {"locale": "pt", "subject": "novas {{ a }}", "body": f"pt {BODY}"},
        {"locale": "pt-BR", "body": f"br {BODY}"},
        {"locale": "zh-Hant", "body": f"zh {BODY}"},
    ],
}


async def put_languages(api: Caller, brand: str, **more: Any) -> None:
    await put_template(api, brand, "in_app", **{**LANGUAGES, **more})


async def publish(
    running: Running, api: Caller, brand: str, subject: str | None = None, **variables: Any
) -> dict[str, Any]:
    """Sends a campaign named `spring` to everyone, an admin campaign if it has a subject of its
    own; its completed send."""
    if subject is None:
        about = {"brand_id": brand, "name": "spring", "segment_id": await put_segment(api, brand)}
        campaign_id = (await ok(api, f"{MESSAGING}/CreateCampaign", about))["id"]
        await add_step(api, brand, campaign_id, channel="in_app", variables=variables)
        send = await ok(
            api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "audience": "segment"}
        )
    else:
        request: dict[str, Any] = {
            "brand_id": brand, "name": "spring", "channel": "in_app", "template_key": "welcome",
            "subject": subject, "variables": variables,
        }  # fmt: skip
        campaign_id = (await ok(api, f"{COMMS}/CreateCampaign", request))["campaign"]["id"]
        request = {"id": campaign_id, "audience": "segment"}
        send = (await ok(api, f"{COMMS}/SendCampaign", request))["send"]
    return await until(
        running,
        lambda: ok(api, "messaging.SendService/GetSend", {"id": send["id"]}),
        "status",
        "completed",
    )


async def send_one(api: Caller, brand: str, person_id: str, variables: dict[str, Any]) -> None:
    """Sends a one-off. Nothing announces its end: looks again and again, each look a whole call."""
    request = {
        "brand_id": brand,
        "channel": "in_app",
        "template_key": "welcome",
        "person_id": person_id,
        "recipient": person_id,
    }
    more = {"dedup_key": uuid4().hex, "scheduled_at": instant(), "variables": variables}
    message = await ok(api, "comms.MessageService/ScheduleMessage", {**request, **more})
    while (await ok(api, "comms.MessageService/GetScheduledMessage", {"id": message["id"]}))[
        "status"
    ] != "sent":
        pass


async def inbox(api: Caller, brand: str, person_id: str) -> list[tuple[str, str]]:
    """Titles and bodies of what a person got."""
    items = (
        await ok(
            api, "comms.InboxService/ListInboxItems", {"brand_id": brand, "person_id": person_id}
        )
    )["data"]
    return [(item["title"], item["body"]) for item in items]


async def test_each_person_of_a_send_gets_the_variant_of_their_locale(
    running: Running, api: Caller, brand: str
) -> None:
    await put_languages(api, brand)
    locales = {
        "ann": None,
        "ben": "en-GB",
        "ines": "pt-PT",
        "joao": "PT-br",
        "mei": "zh-hant-TW",
        "li": "zh",
    }
    for person_id, locale in locales.items():
        await put_person(
            api,
            brand,
            person_id,
            attributes={"first_name": person_id.title()},
            **({"locale": locale} if locale else {}),
        )
    send = await publish(running, api, brand)
    assert send["sent_count"] == len(locales)
    said = {person_id: (await inbox(api, brand, person_id)) for person_id in locales}
    rest = f"defaultdefaultdefault {brand} spring"
    assert said == {
        "ann": [("news", f"en Ann {rest}")],
        "ben": [("news", f"en Ben {rest}")],
        "ines": [("novas default", f"pt Ines {rest}")],
        "joao": [("news", f"br Joao {rest}")],
        "mei": [("news", f"zh Mei {rest}")],
        "li": [("news", f"en Li {rest}")],
    }


async def test_a_campaign_s_variables_go_before_defaults_and_its_subject_before_every_other(
    running: Running, api: Caller, brand: str
) -> None:
    await put_languages(api, brand)
    await put_person(api, brand, "ines", locale="pt-PT")
    await publish(running, api, brand, "own {{ a }} of {{ campaign.name }}", a="1", b=None)
    assert await inbox(api, brand, "ines") == [
        ("own 1 of spring", f"pt you 1defaultdefault {brand} spring")
    ]


async def test_a_one_off_is_in_the_language_of_its_person_and_of_no_campaign(
    api: Caller, brand: str
) -> None:
    await put_languages(api, brand)
    await put_person(api, brand, "ines", attributes={"first_name": "Inês"}, locale="pt")
    await send_one(api, brand, "ines", {"a": "1", "c": None})
    assert await inbox(api, brand, "ines") == [("novas 1", f"pt Inês 1defaultdefault {brand} ")]


async def test_a_one_off_to_somebody_unknown_is_in_the_default_language(
    api: Caller, brand: str
) -> None:
    await put_languages(api, brand)
    await send_one(api, brand, "stranger", {})
    assert await inbox(api, brand, "stranger") == [
        ("news", f"en you defaultdefaultdefault {brand} ")
    ]


async def test_what_one_person_s_data_breaks_fails_their_message_alone(
    running: Running, api: Caller, brand: str
) -> None:
    await put_languages(api, brand, body="{{ 6 | divided_by: person.share }}")
    for person_id, share in {"ann": 2, "bob": 0, "cat": 3}.items():
        await put_person(api, brand, person_id, attributes={"share": share})
    send = await publish(running, api, brand)
    assert (send["sent_count"], send["failed_count"]) == (2, 1)
    failed = (
        await ok(api, "comms.MessageService/ListMessages", {"brand_id": brand, "status": "failed"})
    )["data"]
    assert [(message["person_id"], message["failure_reason"]) for message in failed] == [
        ("bob", "template_error")
    ]


async def test_a_line_break_in_data_does_not_break_a_subject(api: Caller, brand: str) -> None:
    await put_languages(api, brand, subject="hi {{ person.first_name }} {{ a }}")
    await put_person(api, brand, "ann", attributes={"first_name": "Ann\r\nBcc: eve@example.com"})
    await send_one(api, brand, "ann", {"a": "x\u2028y"})
    assert (await inbox(api, brand, "ann"))[0][0] == "hi Ann Bcc: eve@example.com x y"
