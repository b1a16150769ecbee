"""Versions with variables and languages: what is stored, what is found, what is refused."""

from __future__ import annotations

from typing import Any

from tests.support.api.callers import Caller, GrpcCaller
from tests.support.api.scenes import (
    TEMPLATES,
    ok,
    put_person,
    put_template,
    rendered,
    template_id,
    try_rendering,
    try_version,
)

TYPES = {
    "anything": [1],
    "text": "x",
    "numeric": 2.5,
    "flag": False,
    "list": [1, None],
    "mapping": {"a": {"b": None}},
}


def variable(name: str, **more: Any) -> dict[str, Any]:
    """A variable as an answer shows it."""
    return {"name": name, "type": "anything", "required": False, "default_value": None, **more}


def variant(locale: str, **more: Any) -> dict[str, Any]:
    """A variant as an answer shows it."""
    return {"locale": locale, "subject": None, "body": "Olá", "html": None, **more}


async def put(api: Caller, brand: str, **more: Any) -> dict[str, Any]:
    return await put_template(api, brand, **{"body": "Hello", **more})


async def refused(api: Caller, brand: str, **more: Any) -> list[dict[str, str]]:
    """The fields a version is refused for; it is not there."""
    answer = await try_version(api, brand, **{"body": "Hello", **more})
    assert (answer.status, answer.error) == (400, "validation_failed")
    about = {"id": await template_id(api, brand)}
    assert (await ok(api, f"{TEMPLATES}/ListTemplateVersions", about))["items"] == []
    fields: list[dict[str, str]] = answer.body["details"]["fields"]
    return fields


async def test_given_variables_and_variants_read_back_as_written(
    idle_api: Caller, brand: str
) -> None:
    variables = [
        variable(name, type=name, required=True, default_value=value)
        for name, value in TYPES.items()
    ] + [variable("bare")]
    variants = [
        variant("pt"),
        variant(
            "pt-BR", subject="Assunto {{ text }}", body="Corpo ñ", html="<p>{{ anything }}</p>"
        ),
    ]
    written = await put(idle_api, brand, variable_schema=variables, variants=variants)
    assert (written["variable_schema"], written["schema_inferred"], written["variants"]) == (
        variables,
        False,
        variants,
    )
    # Those found in it, whatever is in the schema.
    assert written["variables"] == ["text", "anything"]
    about = {"id": written["template_id"], "version_id": written["id"]}
    assert await ok(idle_api, f"{TEMPLATES}/GetTemplateVersion", about) == written
    about = {"id": written["template_id"]}
    assert (await ok(idle_api, f"{TEMPLATES}/ListTemplateVersions", about))["items"] == [written]


async def test_an_unspecified_type_is_anything(idle_api: Caller, brand: str) -> None:
    written = await put(idle_api, brand, variable_schema=[{"name": "a"}])
    assert written["variable_schema"] == [variable("a")]


async def test_without_given_ones_the_variables_of_all_texts_are_found(
    idle_api: Caller, brand: str
) -> None:
    written = await put(
        idle_api,
        brand,
        subject="{{ a }}",
        body="{{ b | default: 1 }} {{ person.name }}",
        html="{% if c %}{{ c }}{% endif %}",
        variants=[variant("pt", subject="{{ d }}", body="{{ b }}", html="{{ e }}")],
    )
    assert written["schema_inferred"] is True
    assert written["variables"] == ["a", "b", "c", "d", "e"]
    assert written["variable_schema"] == [
        variable("a", required=True), variable("b"), variable("c"), variable("d", required=True),
        variable("e", required=True)
    ]  # fmt: skip


async def test_versions_keep_the_variables_and_variants_they_were_added_with(
    idle_api: Caller, brand: str
) -> None:
    first = await put(
        idle_api, brand, variable_schema=[{"name": "a"}], variants=[{"locale": "pt", "body": "Olá"}]
    )
    await put(idle_api, brand, body="{{ b }}")
    about = {"id": first["template_id"], "version_id": first["id"]}
    assert await ok(idle_api, f"{TEMPLATES}/GetTemplateVersion", about) == first


async def test_locales_are_kept_in_their_canonical_case(idle_api: Caller, brand: str) -> None:
    written = await put(idle_api, brand, variants=[variant("PT-br"), variant("zh-hant-tw")])
    assert [each["locale"] for each in written["variants"]] == ["pt-BR", "zh-Hant-TW"]


async def test_a_variable_cannot_have_a_name_of_the_service_or_one_liquid_cannot_spell(
    idle_api: Caller, brand: str
) -> None:
    names = [{"name": name} for name in ("fine", "person", "two words")]
    fields = await refused(idle_api, brand, variable_schema=names)
    assert [each["field"] for each in fields] == [
        f"variable_schema[{index}].name" for index in (1, 2)
    ]


async def test_everything_wrong_with_a_template_is_told_at_once(
    idle_api: Caller, brand: str
) -> None:
    fields = await refused(
        idle_api,
        brand,
        variable_schema=[{"name": "a", "type": "numeric", "default_value": "1"}, {"name": "a"}],
        variants=[
            {"locale": "pt_BR", "body": "Olá"},
            {"locale": "de", "body": ""},
            {"locale": "DE", "body": "Hallo", "subject": "a\nb"},
            {"locale": "fr", "body": "Bonjour", "subject": "x" * 999},
        ],
    )
    assert {each["field"] for each in fields} == {
        "variable_schema[0].default_value", "variable_schema[1].name", "variants[0].locale",
        "variants[1].body", "variants[2].locale",
        "variants[2].subject", "variants[3].subject",
    }  # fmt: skip


async def test_bad_liquid_of_a_variant_is_refused_by_its_field_and_line(
    idle_api: Caller, brand: str
) -> None:
    variants = [
        variant("pt", subject="{{ a }}"),
        variant("de", body="Hallo\n\n{% if %}x{% endif %}", html="{{ | }}"),
    ]
    fields = await refused(idle_api, brand, body="{% nope %}", variants=variants)
    assert [each["field"] for each in fields] == ["body", "variants[1].body", "variants[1].html"]
    assert fields[1]["message"].startswith("variants[1].body, line 3: ")


async def test_only_email_has_html_in_any_language(idle_api: Caller, brand: str) -> None:
    variants = [{"locale": "pt", "body": "Olá", "html": "<p>"}]
    for channel in ("sms", "push", "in_app"):
        answer = await try_version(idle_api, brand, channel, html="<p>", variants=variants)
        assert (answer.status, answer.fields) == (400, {"html", "variants[0].html"})


async def test_variables_and_variants_have_largest_numbers(idle_api: Caller, brand: str) -> None:
    variants = [
        {"locale": f"a{chr(97 + number // 26)}{chr(97 + number % 26)}", "body": "x"}
        for number in range(101)
    ]
    fields = await refused(
        idle_api,
        brand,
        variable_schema=[{"name": f"v{number}"} for number in range(201)],
        variants=variants,
    )
    assert {"variable_schema", "variants"} <= {each["field"] for each in fields}
    names = "".join(f"{{{{ v{number} }}}}" for number in range(201))
    assert [each["field"] for each in await refused(idle_api, brand, body=names)] == [
        "variable_schema"
    ]


async def test_all_texts_together_have_a_largest_size(idle_api: Caller, brand: str) -> None:
    big = "x" * 190_000
    variants = [{"locale": locale, "body": big} for locale in ("de", "fr", "it", "es", "pt")]
    assert [
        each["field"] for each in await refused(idle_api, brand, body=big, variants=variants)
    ] == ["variants"]
    assert (await put(idle_api, brand, body=big, variants=variants[1:]))["version_number"] == 1


async def test_an_unknown_type_number_is_refused(idle: Any, brand: str) -> None:
    api = GrpcCaller(idle.channel, idle.token(brand))
    schema = [{"name": "a", "type": 9}]
    answer = await try_version(api, brand, body="x", variable_schema=schema)
    assert (answer.status, answer.fields) == (400, {"variable_schema[0].type"})


async def said(api: Caller, brand: str, **more: Any) -> tuple[str | None, str, str | None]:
    answer = await rendered(api, brand, **more)
    return answer["locale"], answer["body"], answer["subject"]


async def test_it_is_rendered_in_the_locale_asked_for_or_else_the_person_s(
    idle_api: Caller, brand: str
) -> None:
    variants = [variant("pt", subject="assunto"), variant("zh-Hant", body="你好")]
    await put(idle_api, brand, subject="subject", variants=variants)
    await put_person(idle_api, brand, "ines", locale="PT-pt")
    await put_person(idle_api, brand, "ann")
    assert await said(idle_api, brand) == (None, "Hello", "subject")
    assert await said(idle_api, brand, person_id="ines") == ("pt", "Olá", "assunto")
    assert await said(idle_api, brand, person_id="ann") == (None, "Hello", "subject")
    assert await said(idle_api, brand, person_id="ines", locale="zh-hant-TW") == (
        "zh-Hant",
        "你好",
        "subject",
    )
    assert await said(idle_api, brand, person_id="ines", locale="en") == (
        None,
        "Hello",
        "subject",
    )


async def test_a_locale_that_is_none_is_refused(idle_api: Caller, brand: str) -> None:
    await put(idle_api, brand)
    answer = await try_rendering(idle_api, brand, locale="pt_BR")
    assert (answer.status, answer.fields) == (400, {"locale"})


async def test_defaults_are_rendered_where_nothing_or_null_is_given(
    idle_api: Caller, brand: str
) -> None:
    await put(
        idle_api,
        brand,
        body="{{ a }}/{{ b.c }}",
        variable_schema=[variable("a", default_value=5), variable("b", default_value={"c": "d"})],
    )
    assert (await said(idle_api, brand))[1] == "5/d"
    assert (await said(idle_api, brand, payload={"a": None, "b": {"c": 1}}))[1] == "5/1"
