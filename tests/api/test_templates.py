"""Templates: created once, listed, archived; immutable versions; rendering as a message is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api.callers import Caller
from tests.support.api.deliveries import MESSAGES, one_off
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    TEMPLATES,
    comms_campaign,
    instant,
    messaging_campaign,
    ok,
    put_person,
    put_template,
    recipients,
    rendered,
    template_id,
    try_rendering,
    try_version,
)


async def create(api: Caller, brand: str, **more: Any) -> dict[str, Any]:
    request = {"brand_id": brand, "channel": "email", "key": "welcome", **more}
    return await ok(api, f"{TEMPLATES}/CreateTemplate", request)


async def get(api: Caller, template: str) -> dict[str, Any]:
    return await ok(api, f"{TEMPLATES}/GetTemplate", {"id": template})


async def archive(api: Caller, template: str) -> dict[str, Any]:
    return await ok(api, f"{TEMPLATES}/ArchiveTemplate", {"id": template})


async def listed(api: Caller, brand: str, **more: Any) -> list[tuple[str, str]]:
    items = (await ok(api, f"{TEMPLATES}/ListTemplates", {"brand_id": brand, **more}))["items"]
    return [(item["channel"], item["key"]) for item in items]


async def test_a_template_reads_back_as_created(idle_api: Caller, brand: str) -> None:
    said = {"key": "Sommer-2026.v1_a", "description": "Grüße\n", "category": "a-b_1"}
    made = await create(idle_api, brand, **said)
    assert made == {
        **said,
        "channel": "email",
        "id": made["id"],
        "brand_id": brand,
        "current_version_id": None,
        "created_by": "tester",
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
        "archived_at": None,
    }
    assert await get(idle_api, made["id"]) == made


@pytest.mark.parametrize(
    "blank", [{}, {"description": None, "category": None}, {"description": "", "category": ""}]
)
async def test_what_a_template_has_not_is_null(
    idle_api: Caller, brand: str, blank: dict[str, Any]
) -> None:
    made = await create(idle_api, brand, **blank)
    assert (made["description"], made["category"]) == (None, None)


async def test_a_category_is_of_few_characters(idle_api: Caller, brand: str) -> None:
    about = {"brand_id": brand, "channel": "email", "key": "welcome"}
    for bad in ("News", "a b", "ü", "a.b", "a\n", "x" * 65):
        answer = await idle_api.call(f"{TEMPLATES}/CreateTemplate", {**about, "category": bad})
        assert (answer.status, answer.fields) == (400, {"category"}), bad
    assert (await create(idle_api, brand, category="x" * 64))["category"] == "x" * 64


async def test_a_key_is_taken_once_in_a_brand_and_channel(idle_api: Caller, brand: str) -> None:
    first = await create(idle_api, brand)
    about = {"brand_id": brand, "channel": "email", "key": "welcome"}
    for _ in range(2):
        answer = await idle_api.call(f"{TEMPLATES}/CreateTemplate", about)
        assert (answer.status, answer.error) == (409, "template_exists")
        await archive(idle_api, first["id"])
    for other in ({"channel": "sms"}, {"key": "other"}, {"key": "Welcome"}):
        await create(idle_api, brand, **other)


async def test_templates_are_listed_by_channel_and_key(idle_api: Caller, brand: str) -> None:
    for channel, key in (("sms", "a"), ("email", "b"), ("email", "B"), ("push", "b")):
        await create(idle_api, brand, channel=channel, key=key)
    everything = [("email", "B"), ("email", "b"), ("push", "b"), ("sms", "a")]
    assert await listed(idle_api, brand) == everything
    assert await listed(idle_api, brand, channel="email") == everything[:2]
    assert await listed(idle_api, brand, key="b") == everything[1:3]
    assert await listed(idle_api, brand, channel="push", key="b") == everything[2:3]
    assert await listed(idle_api, brand, channel="push", key="a") == []


async def test_archived_templates_are_a_list_of_their_own(idle_api: Caller, brand: str) -> None:
    old = await create(idle_api, brand, key="old")
    await create(idle_api, brand, key="new")
    await archive(idle_api, old["id"])
    assert await listed(idle_api, brand) == [("email", "new")]
    assert await listed(idle_api, brand, archived=True) == [("email", "old")]


async def test_each_version_becomes_the_current_one_and_old_ones_stay_as_they_are(
    idle_api: Caller, brand: str
) -> None:
    made = await create(idle_api, brand)
    versions = []
    for number in (1, 2, 3):
        version = await put_template(idle_api, brand, body=f"Body {number}")
        template = await get(idle_api, made["id"])
        assert (version["version_number"], version["template_id"]) == (number, made["id"])
        assert template["current_version_id"] == version["id"]
        assert template["updated_at"] == version["created_at"]
        versions.append(version)
    for version in versions:
        about = {"id": made["id"], "version_id": version["id"]}
        assert await ok(idle_api, f"{TEMPLATES}/GetTemplateVersion", about) == version
    found = await ok(idle_api, f"{TEMPLATES}/ListTemplateVersions", {"id": made["id"]})
    assert found == {"items": versions[::-1], "next_page_token": ""}


async def test_same_text_again_is_a_version_too(idle_api: Caller, brand: str) -> None:
    versions = [await put_template(idle_api, brand, body="Same") for _ in range(2)]
    assert [version["version_number"] for version in versions] == [1, 2]


async def test_a_version_of_another_template_is_not_found(idle_api: Caller, brand: str) -> None:
    own = await put_template(idle_api, brand)
    other = await put_template(idle_api, brand, key="other")
    for version_id in (other["id"], own["template_id"], "nope"):
        about = {"id": own["template_id"], "version_id": version_id}
        answer = await idle_api.call(f"{TEMPLATES}/GetTemplateVersion", about)
        assert (answer.status, answer.error) == (404, "template_version_not_found")
        answer = await idle_api.call(f"{TEMPLATES}/RenderTemplate", {**about, "payload": {}})
        assert (answer.status, answer.error) == (404, "template_version_not_found")


async def test_a_template_without_a_version_renders_and_sends_nothing(
    idle_api: Caller, brand: str
) -> None:
    made = await create(idle_api, brand)
    found = await ok(idle_api, f"{TEMPLATES}/ListTemplateVersions", {"id": made["id"]})
    assert found["items"] == []
    answer = await try_rendering(idle_api, brand)
    assert (answer.status, answer.error) == (404, "template_version_not_found")
    answer = await idle_api.call(f"{MESSAGES}/ScheduleMessage", one_off(brand))
    assert (answer.status, answer.fields) == (422, {"template_key"})
    assert answer.body["message"] == "template_key: the template has no version yet"


# Archived


async def test_archiving_twice_gives_the_same_answer(idle_api: Caller, brand: str) -> None:
    made = await create(idle_api, brand)
    archived = await archive(idle_api, made["id"])
    assert archived["archived_at"] == archived["updated_at"] > made["updated_at"]
    assert await archive(idle_api, made["id"]) == archived == await get(idle_api, made["id"])


async def test_an_archived_template_takes_no_new_version(idle_api: Caller, brand: str) -> None:
    version = await put_template(idle_api, brand)
    await archive(idle_api, version["template_id"])
    request = {"id": version["template_id"], "body": "Hello"}
    answer = await idle_api.call(f"{TEMPLATES}/CreateTemplateVersion", request)
    assert (answer.status, answer.error) == (412, "template_state")
    assert answer.body["details"] == {"status": "archived"}
    assert (await get(idle_api, version["template_id"]))["current_version_id"] == version["id"]


async def test_no_message_is_accepted_with_an_archived_template(
    idle_api: Caller, brand: str
) -> None:
    version = await put_template(idle_api, brand)
    before = one_off(brand)
    first = await idle_api.call(f"{MESSAGES}/ScheduleMessage", before)
    assert first.status == 201
    await archive(idle_api, version["template_id"])
    after = one_off(brand, dedup_key="after")
    for key in (None, "key"):
        answer = await idle_api.call(f"{MESSAGES}/ScheduleMessage", after, key=key)
        assert (answer.status, answer.fields) == (422, {"template_key"})
    assert (await idle_api.call(f"{MESSAGES}/ScheduleMessage", before)).body == first.body


@pytest.mark.parametrize(
    ("face", "verb", "status", "request_"),
    [
        (COMMS, "SendCampaign", 422, {"recipients": recipients(1)}),
        (COMMS, "UpdateCampaign", 422, {"scheduled_at": instant(FAR)}),
        (MESSAGING, "PublishCampaign", 400, {"audience": "segment"}),
        (MESSAGING, "ScheduleCampaign", 400, {"scheduled_at": instant(FAR)}),
    ],
)
async def test_no_campaign_begins_with_an_archived_template_but_a_scheduled_one_goes_out(
    idle_api: Caller, brand: str, face: str, verb: str, status: int, request_: dict[str, Any]
) -> None:
    make = comms_campaign if face == COMMS else messaging_campaign
    draft, scheduled = await make(idle_api, brand), await make(idle_api, brand)
    plan = "UpdateCampaign" if face == COMMS else "ScheduleCampaign"
    await ok(idle_api, f"{face}/{plan}", {"id": scheduled, "scheduled_at": instant(FAR)})
    await archive(idle_api, await template_id(idle_api, brand))
    answer = await idle_api.call(f"{face}/{verb}", {"id": draft, **request_})
    assert (answer.status, answer.error) == (status, "validation_failed")
    start = "SendCampaign" if face == COMMS else "PublishCampaign"
    await ok(idle_api, f"{face}/{start}", {"id": scheduled, "recipients": recipients(1)})


# What a version says


@pytest.mark.parametrize(
    "blank", [{}, {"subject": None, "html": None}, {"subject": "", "html": ""}]
)
async def test_what_a_version_has_not_is_null(
    idle_api: Caller, brand: str, blank: dict[str, Any]
) -> None:
    version = await put_template(idle_api, brand, body="Hello", **blank)
    assert (version["subject"], version["html"]) == (None, None)
    assert await rendered(idle_api, brand) == {
        "subject": None,
        "body": "Hello",
        "missing_variables": [],
        "html": None,
        "locale": None,
        "version_number": 1,
    }


async def test_a_version_of_html_alone_gets_a_text_part(idle_api: Caller, brand: str) -> None:
    html = "<p>Dear {{ name }},</p><p><a href='https://example.com'>news</a></p>"
    variants = [{"locale": "pt", "html": "<b>Olá</b>"}]
    version = await put_template(idle_api, brand, body="", html=html, variants=variants)
    assert (version["body"], version["variants"][0]["body"]) == ("", "")
    said = await rendered(idle_api, brand, payload={"name": "Ann"})
    assert said["body"] == "Dear Ann,\n\nnews (https://example.com)"
    assert (await rendered(idle_api, brand, payload={"name": "Ann"}, locale="pt"))["body"] == "Olá"


@pytest.mark.parametrize("what", [{"html": " "}, {"html": ""}, {"body": " "}, {}])
async def test_a_version_needs_something_to_say(
    idle_api: Caller, brand: str, what: dict[str, Any]
) -> None:
    answer = await try_version(idle_api, brand, **what)
    assert answer.status == 400
    assert answer.fields & {"body", "html"}


@pytest.mark.parametrize("field", ["subject", "body", "html"])
async def test_bad_liquid_is_refused_by_its_field_and_makes_no_version(
    idle_api: Caller, brand: str, field: str
) -> None:
    answer = await try_version(idle_api, brand, **{"body": "Hello", field: "{% if %}"})
    assert (answer.status, answer.fields) == (400, {field})
    template = await get(idle_api, await template_id(idle_api, brand))
    assert template["current_version_id"] is None


# Rendering


async def test_a_payload_is_rendered(idle_api: Caller, brand: str) -> None:
    body = (
        "{{ name }} has {{ whole }} and {{ part }} of {{ list | join: ', ' }}{% if vip %}, VIP{% "
        "endif %}, at {{ brand.id }}"
    )
    await put_template(idle_api, brand, subject="Hi {{ name }}", body=body)
    payload = {"name": "Zoë", "whole": 5, "part": 0.5, "list": ["a", 2, "c"], "vip": True}
    said = await rendered(idle_api, brand, payload=payload, strict=True)
    assert said["subject"] == "Hi Zoë"
    assert said["body"] == f"Zoë has 5 and 0.5 of a, 2, c, VIP, at {brand}"
    assert said["missing_variables"] == []


async def test_what_a_payload_lacks_is_named_and_prints_nothing_or_is_refused_if_strict(
    idle_api: Caller, brand: str
) -> None:
    await put_template(
        idle_api, brand, subject="{{ b }}", body="{{ a }}-{{ c | default: 'c' }}-{{ person.name }}"
    )
    said = await rendered(idle_api, brand, payload={"a": None})
    assert (said["subject"], said["body"], said["missing_variables"]) == ("", "-c-", ["b", "a"])
    answer = await try_rendering(idle_api, brand, payload={"a": None}, strict=True)
    assert (answer.status, answer.fields) == (400, {"payload.a", "payload.b"})
    answer = await try_rendering(idle_api, brand, payload={"a": 1, "b": 2}, strict=True)
    assert answer.status == 200


async def test_what_is_of_another_type_is_refused_always(idle_api: Caller, brand: str) -> None:
    schema = [{"name": "a", "type": "numeric"}, {"name": "b", "required": True}]
    await put_template(idle_api, brand, body="{{ a }}", variable_schema=schema)
    answer = await try_rendering(idle_api, brand, payload={"a": "1"})
    assert (answer.status, answer.fields) == (400, {"payload.a"})
    answer = await try_rendering(idle_api, brand, payload={"a": "1"}, strict=True)
    assert answer.fields == {"payload.a", "payload.b"}


async def test_a_person_s_data_are_rendered(idle_api: Caller, brand: str) -> None:
    body = "{{ person.first_name }}/{{ person.id }}/{{ person.email }}/{{ person.locale }}"
    await put_template(idle_api, brand, body=body)
    attributes = {"first_name": "Ann", "id": "not-this"}
    await put_person(idle_api, brand, "ann", attributes=attributes, locale="pt-BR")
    said = await rendered(idle_api, brand, person_id="ann")
    assert said["body"] == "Ann/ann/ann@example.com/pt-BR"
    assert (await rendered(idle_api, brand))["body"] == "///"


async def test_no_variable_takes_the_place_of_person_or_brand(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand, body="{{ person.email }}|{{ brand.id }}")
    payload = {"person": {"email": "forged@example.com"}, "brand": {"id": "forged"}}
    assert (await rendered(idle_api, brand, payload=payload))["body"] == f"|{brand}"


async def test_html_is_escaped_and_nothing_else(idle_api: Caller, brand: str) -> None:
    html = "<p title='{{ name }}'>{{ name }}</p>"
    await put_template(idle_api, brand, subject="{{ name }}", body="{{ name }}", html=html)
    name = "<b>Tom & 'Jerry'</b>"
    said = await rendered(idle_api, brand, payload={"name": name})
    assert (said["subject"], said["body"]) == (name, name)
    escaped = "&lt;b&gt;Tom &amp; &#39;Jerry&#39;&lt;/b&gt;"
    assert said["html"] == f"<p title='{escaped}'>{escaped}</p>"


async def test_an_older_version_is_rendered_by_its_id(idle_api: Caller, brand: str) -> None:
    old = await put_template(idle_api, brand, body="old")
    await put_template(idle_api, brand, body="new")
    said = await rendered(idle_api, brand, version_id=old["id"])
    assert (said["body"], said["version_number"]) == ("old", 1)
    assert (await rendered(idle_api, brand))["body"] == "new"


async def test_what_cannot_be_rendered_is_named(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand, body="{{ count | divided_by: zero }}")
    answer = await try_rendering(idle_api, brand, payload={"count": 1, "zero": 0})
    assert (answer.status, answer.error, answer.fields) == (400, "validation_failed", {"payload"})


async def test_an_unknown_person_is_not_found(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    answer = await try_rendering(idle_api, brand, person_id="nobody")
    assert (answer.status, answer.error) == (404, "person_not_found")
