"""Templates: immutable revisions, and previews that render as a message would be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api.callers import Caller
from tests.support.api.scenes import ok, put_person, put_template

SERVICE = "comms.TemplateService"


def key_of(brand: str, **more: Any) -> dict[str, Any]:
    return {"brand_id": brand, "channel": "email", "template_key": "welcome", **more}


async def preview(api: Caller, brand: str, **more: Any) -> dict[str, Any]:
    return await ok(api, f"{SERVICE}/PreviewTemplate", key_of(brand, **more))


async def test_template_reads_back_as_written(idle_api: Caller, brand: str) -> None:
    request = key_of(
        brand,
        template_key="Sommer-2026.v1_a",
        subject="Olá {{ name }} 🌞",
        body="Zeile 1\r\nZeile 2 ü\n",
        html="<p>ñ &amp;</p>",
    )
    put = await ok(idle_api, f"{SERVICE}/PutTemplate", request)
    found = [{"name": "name", "type": "anything", "required": True, "default_value": None}]
    typed = {"variables": found, "variables_inferred": True, "variants": []}
    assert put == {
        **request,
        **typed,
        "revision": 1,
        "created_by": "tester",
        "created_at": put["created_at"],
    }
    read = {"brand_id": brand, "channel": "email", "template_key": "Sommer-2026.v1_a"}
    assert await ok(idle_api, f"{SERVICE}/GetTemplate", read) == put


@pytest.mark.parametrize(
    "blank", [{}, {"subject": None, "html": None}, {"subject": "", "html": ""}]
)
async def test_what_a_template_has_not_is_null(
    idle_api: Caller, brand: str, blank: dict[str, Any]
) -> None:
    put = await ok(idle_api, f"{SERVICE}/PutTemplate", key_of(brand, body="Hello", **blank))
    assert (put["subject"], put["html"]) == (None, None)
    rendered = await preview(idle_api, brand)
    assert rendered == {
        "revision": 1,
        "subject": None,
        "body": "Hello",
        "html": None,
        "locale": None,
    }


async def test_a_template_of_html_alone_gets_a_text_part(idle_api: Caller, brand: str) -> None:
    only_html = {"html": "<p>Dear {{ name }},</p><p><a href='https://example.com'>news</a></p>"}
    put = await ok(
        idle_api,
        f"{SERVICE}/PutTemplate",
        key_of(brand, **only_html, variants=[{"locale": "pt", "html": "<b>Olá</b>"}]),
    )
    assert (put["body"], put["variants"][0]["body"]) == ("", "")
    rendered = await preview(idle_api, brand, variables={"name": "Ann"})
    assert rendered["body"] == "Dear Ann,\n\nnews (https://example.com)"
    assert (await preview(idle_api, brand, variables={"name": "Ann"}, locale="pt"))["body"] == "Olá"


@pytest.mark.parametrize(
    "what", [{"channel": "sms", "html": "<p>x</p>"}, {"html": " "}, {"html": ""}, {}]
)
async def test_a_template_needs_something_to_say(
    idle_api: Caller, brand: str, what: dict[str, Any]
) -> None:
    answer = await idle_api.call(f"{SERVICE}/PutTemplate", key_of(brand, **what))
    assert answer.status == 422
    assert {"body", "html"} & {each["field"] for each in answer.body["details"]["fields"]}


async def test_each_put_makes_the_next_revision_and_old_ones_stay_readable(
    idle_api: Caller, brand: str
) -> None:
    puts = [
        await ok(idle_api, f"{SERVICE}/PutTemplate", key_of(brand, body=f"Body {number}"))
        for number in (1, 2, 3)
    ]
    assert [put["revision"] for put in puts] == [1, 2, 3]
    for put in puts:
        assert (
            await ok(idle_api, f"{SERVICE}/GetTemplate", key_of(brand, revision=put["revision"]))
            == put
        )
    assert await ok(idle_api, f"{SERVICE}/GetTemplate", key_of(brand)) == puts[-1]
    revisions = await ok(idle_api, f"{SERVICE}/ListTemplateRevisions", key_of(brand))
    assert revisions == {"templates": puts[::-1], "next_page_token": ""}


async def test_same_text_again_is_a_revision_too(idle_api: Caller, brand: str) -> None:
    puts = [
        await ok(idle_api, f"{SERVICE}/PutTemplate", key_of(brand, body="Same")) for _ in range(2)
    ]
    assert [put["revision"] for put in puts] == [1, 2]


async def test_revisions_are_counted_for_each_brand_channel_and_key(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    for other in (
        key_of(brand, channel="sms"),
        key_of(brand, template_key="other"),
        key_of(brand, template_key="Welcome"),
    ):
        assert (await ok(idle_api, f"{SERVICE}/PutTemplate", {**other, "body": "Hello"}))[
            "revision"
        ] == 1


@pytest.mark.parametrize("operation", ["GetTemplate", "ListTemplateRevisions", "PreviewTemplate"])
@pytest.mark.parametrize(
    "other", [{"template_key": "nope"}, {"channel": "push"}], ids=["key", "channel"]
)
async def test_unknown_template_is_not_found(
    idle_api: Caller, brand: str, operation: str, other: dict[str, str]
) -> None:
    await put_template(idle_api, brand)
    answer = await idle_api.call(f"{SERVICE}/{operation}", key_of(brand, **other))
    assert (answer.status, answer.error) == (404, "template_not_found")


@pytest.mark.parametrize("operation", ["GetTemplate", "PreviewTemplate"])
async def test_unknown_revision_is_not_found(idle_api: Caller, brand: str, operation: str) -> None:
    await put_template(idle_api, brand)
    answer = await idle_api.call(f"{SERVICE}/{operation}", key_of(brand, revision=2))
    assert (answer.status, answer.error) == (404, "template_not_found")


async def test_preview_renders_the_variables(idle_api: Caller, brand: str) -> None:
    body = (
        "{{ name }} has {{ whole }} and {{ part }} of {{ list | join: ', ' }}{% if vip %}, VIP{% "
        "endif %}, at {{ brand.id }}"
    )
    await put_template(idle_api, brand, subject="Hi {{ name }}", body=body)
    variables = {"name": "Zoë", "whole": 5, "part": 0.5, "list": ["a", 2, "c"], "vip": True}
    assert await preview(idle_api, brand, variables=variables) == {
        "revision": 1,
        "subject": "Hi Zoë",
        "body": f"Zoë has 5 and 0.5 of a, 2, c, VIP, at {brand}",
        "html": None,
        "locale": None,
    }


async def test_preview_renders_for_a_person(idle_api: Caller, brand: str) -> None:
    await put_template(
        idle_api,
        brand,
        body="{{ person.first_name }}/{{ person.id }}/{{ person.email }}/{{ person.locale }}",
    )
    await put_person(
        idle_api, brand, "ann", attributes={"first_name": "Ann", "id": "not-this"}, locale="pt-BR"
    )
    assert (await preview(idle_api, brand, person_id="ann"))[
        "body"
    ] == "Ann/ann/ann@example.com/pt-BR"
    assert (await preview(idle_api, brand))["body"] == "///"


async def test_no_variable_takes_the_place_of_person_or_brand(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand, body="{{ person.email }}|{{ brand.id }}")
    variables = {"person": {"email": "forged@example.com"}, "brand": {"id": "forged"}}
    assert (await preview(idle_api, brand, variables=variables))["body"] == f"|{brand}"


async def test_preview_escapes_in_html_and_nowhere_else(idle_api: Caller, brand: str) -> None:
    await put_template(
        idle_api,
        brand,
        subject="{{ name }}",
        body="{{ name }}",
        html="<p title='{{ name }}'>{{ name }}</p>",
    )
    name = "<b>Tom & 'Jerry'</b>"
    rendered = await preview(idle_api, brand, variables={"name": name})
    assert (rendered["subject"], rendered["body"]) == (name, name)
    escaped = "&lt;b&gt;Tom &amp; &#39;Jerry&#39;&lt;/b&gt;"
    assert rendered["html"] == f"<p title='{escaped}'>{escaped}</p>"


async def test_preview_of_an_old_revision(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand, body="old")
    await put_template(idle_api, brand, body="new")
    assert (await preview(idle_api, brand, revision=1))["body"] == "old"
    assert (await preview(idle_api, brand))["body"] == "new"


async def test_preview_names_what_cannot_be_rendered(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand, body="{{ count | divided_by: zero }}")
    answer = await idle_api.call(
        f"{SERVICE}/PreviewTemplate", key_of(brand, variables={"count": 1, "zero": 0})
    )
    assert (answer.status, answer.error, answer.fields) == (422, "validation_failed", {"variables"})


async def test_preview_for_an_unknown_person_is_not_found(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    answer = await idle_api.call(f"{SERVICE}/PreviewTemplate", key_of(brand, person_id="nobody"))
    assert (answer.status, answer.error) == (404, "person_not_found")


@pytest.mark.parametrize("field", ["subject", "body", "html"])
async def test_bad_liquid_is_refused_by_its_field_and_makes_no_revision(
    idle_api: Caller, brand: str, field: str
) -> None:
    request = {**key_of(brand, body="Hello"), field: "{% if %}"}
    answer = await idle_api.call(f"{SERVICE}/PutTemplate", request)
    assert (answer.status, answer.fields) == (422, {field})
    assert (await idle_api.call(f"{SERVICE}/GetTemplate", key_of(brand))).status == 404
