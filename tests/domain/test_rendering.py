"""What templates render to, and how they fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.templates.rendering import (
    Rendered,
    RenderError,
    TemplateSource,
    TemplateSyntaxError,
    compile_template,
)
from tests.support.clocks import NOON


def render(body: str, **context: object) -> str:
    return compile_template(TemplateSource(None, body, None)).render(context, NOON).body


def test_each_field_is_rendered_from_variables_person_brand_and_campaign() -> None:
    template = compile_template(
        TemplateSource(
            "{{ campaign.name }} for {{ person.name }}",
            "Order {{ order.id }} at {{ brand.name }}",
            "<p>{{ order.id }}</p>",
        )
    )
    context = {
        "order": {"id": 7},
        "person": {"name": "Zoë"},
        "brand": {"name": "Acme"},
        "campaign": {"name": "Spring"},
    }
    assert template.render(context, NOON) == Rendered(
        "Spring for Zoë", "Order 7 at Acme", "<p>7</p>"
    )


def test_fields_that_a_channel_lacks_stay_absent() -> None:
    assert compile_template(TemplateSource(None, "hi", None)).render({}, NOON) == Rendered(
        None, "hi", None
    )


def test_only_html_is_escaped() -> None:
    text = "{{ name }}"
    rendered = compile_template(TemplateSource(text, text, text)).render(
        {"name": "<b>Tom & 'Jerry'</b>"}, NOON
    )
    assert rendered == Rendered(
        "<b>Tom & 'Jerry'</b>",
        "<b>Tom & 'Jerry'</b>",
        "&lt;b&gt;Tom &amp; &#39;Jerry&#39;&lt;/b&gt;",
    )


@pytest.mark.parametrize(
    "body",
    [
        "{{ nobody }}",
        "{{ person.nothing.at.all }}",
        "{{ list[9] }}",
        "{% for x in nobody %}x{% endfor %}",
    ],
)
def test_what_is_undefined_renders_empty(body: str) -> None:
    assert render(body, person={}, list=[1]) == ""


def test_a_compiled_template_keeps_nothing_from_one_render_to_the_next() -> None:
    template = compile_template(
        TemplateSource(None, "{{ seen }}{% assign seen = name %}{% increment n %}", None)
    )
    assert [template.render({"name": name}, NOON).body for name in ("Ada", "Bob")] == ["0", "0"]


@pytest.mark.parametrize(
    "separator",
    [
        "\n",
        "\r",
        "\r\n",
        "\v",
        "\f",
        "\x1c",
        "\x1d",
        "\x1e",
        "\x85",
        "\u2028",
        "\u2029",
        " \r\n\t \n ",
    ],
)
def test_a_line_break_in_a_subject_becomes_one_space(separator: str) -> None:
    template = compile_template(TemplateSource("Hello {{ name }}", "", None))
    assert (
        template.render({"name": f"a{separator}Bcc: b@example.com"}, NOON).subject
        == "Hello a Bcc: b@example.com"
    )


@given(st.text())
def test_no_variable_can_break_the_line_of_a_subject(name: str) -> None:
    subject = (
        compile_template(TemplateSource("Hi {{ name }}!", "", None))
        .render({"name": name}, NOON)
        .subject
    )
    assert subject is not None
    assert subject.splitlines() == [subject]


def test_a_subject_longer_than_its_limit_is_refused() -> None:
    with pytest.raises(RenderError) as caught:
        compile_template(TemplateSource("{{ name }}", "", None)).render({"name": "x" * 5000}, NOON)
    assert (caught.value.reason, caught.value.field) == ("template_output_too_large", "subject")


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("a\nb {{ c", 2, "'{{' is never closed"),
        ("a\n\n{% if a", 3, "'{%' is never closed"),
        ("a\n{% %}", 2, "'{%' is not followed by the name of a tag"),
        ("\n{% raw %} a", 2, "tag 'raw' is never closed"),
        ("a\n{% if a %}\n\n", 4, "expected tag endif, found end of expression"),
        ("a\n{{ b | }}\n", 2, "expected word, found end of expression"),
        ("a\n{{ b c }}\n", 2, "expected end of expression, found word"),
        ("\n\n{{ a | shout }}", 3, "unknown filter 'shout'"),
        ("{% for 'x' in a %}{% endfor %}", 1, "expected an identifier, found a text in quotes"),
        ("{% for x in a limit 2 %}{% endfor %}", 1, "expected ':', found integer"),
        ("{% for x in %}{% endfor %}", 1, "expected a value, found end of expression"),
        ("{{ 1" + "0" * 5000 + " }}", 1, "a number is too long"),
        ("\n{{ a | slice }}", 2, "filter 'slice' takes 1 to 2 arguments"),
        ("{{ a | upcase: 1 }}", 1, "filter 'upcase' takes no arguments"),
        ("{{ a | append }}", 1, "filter 'append' takes 1 argument"),
        ("{{ a | default: 1, context: b }}", 1, "filter 'default' has no option 'context'"),
        ("{% liquid\nassign a = 1\nnope\n%}", 3, "unexpected tag 'nope'"),
        ("\n{% include 'x' %}", 2, "unexpected tag 'include'"),
        ("\n{% render 'x' %}", 2, "unexpected tag 'render'"),
    ],
)
def test_a_mistake_in_the_source_names_field_and_line(body: str, line: int, message: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_template(TemplateSource("fine", body, None))
    assert str(caught.value) == f"body, line {line}: {message}"
    assert (caught.value.reason, caught.value.field, caught.value.line) == (
        "template_syntax_error",
        "body",
        line,
    )


@pytest.mark.parametrize("field", ["subject", "body", "html"])
def test_a_mistake_names_the_field_it_is_in(field: str) -> None:
    fields: dict[str, str] = {"subject": "", "body": "", "html": ""} | {field: "{{"}
    with pytest.raises(TemplateSyntaxError, match=rf"^{field}, line 1: "):
        compile_template(TemplateSource(**fields))


@pytest.mark.parametrize(
    "body",
    [
        "{{ secret | divided_by: 0 }}",
        "{% assign l = 'a,b' | split: ',' %}{{ l | concat: secret }}",
        "{% for x in (1..3) limit: secret %}{% endfor %}",
        "{{ secret | slice: secret }}",
        "{{ secret | base64_decode }}",
    ],
)
def test_an_error_while_rendering_never_shows_a_value(body: str) -> None:
    with pytest.raises(RenderError) as caught:
        render(body, secret="s3cr3t-ä")
    assert caught.value.reason == "template_error"
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_error_while_rendering_names_the_line() -> None:
    with pytest.raises(RenderError, match=r"^body, line 3: "):
        render("\n\n{{ 1 | divided_by: 0 }}")


def test_templates_cannot_reach_python_attributes() -> None:
    assert (
        render(
            "{{ name.__class__ }}{{ person.__class__.__mro__ }}{{ person.keys }}",
            name="x",
            person={"a": 1},
        )
        == ""
    )
