"""No template hangs the process or fills its memory. Each of these once took seconds, minutes or
gigabytes, or would have."""

from __future__ import annotations

import pytest

from server.domain.templates.rendering import (
    RenderError,
    TemplateSource,
    TemplateSyntaxError,
    compile_template,
)
from server.domain.templates.rendering_limits import MAX_OUTPUT_BYTES
from tests.support.clocks import NOON

HUGE = 1_000_000_000
GROWN = (
    "{% assign s = 'aaaaaaaaaaaaaaaa' %}{% for i in (1..14) %}{% assign s = s | append: s %}{% "
    "endfor %}"
)


def reason(body: str, **context: object) -> str:
    try:
        compile_template(TemplateSource(None, body, None)).render(context, NOON)
    except RenderError as error:
        return error.reason
    return "rendered"


@pytest.mark.parametrize(
    "body",
    [
        f"{{% for i in (1..{HUGE}) %}}{{% endfor %}}",
        f"{{% for i in (1..{HUGE}) reversed %}}{{% endfor %}}",
        f"{{% for i in (1..{HUGE}) limit: 1 %}}{{% endfor %}}",
        f"{{% tablerow i in (1..{HUGE}) %}}{{% endtablerow %}}",
        f"{{{{ (1..{HUGE}) | join }}}}",
        f"{{% echo (1..{HUGE}) | sort %}}",
        f"{{% assign r = (1..{HUGE}) %}}{{{{ r | reverse }}}}",
        f"{{% liquid\nassign r = (1..{HUGE})\n%}}",
        f"{{% if (1..{HUGE}) contains 'x' %}}{{% endif %}}",
        f"{{% if a %}}{{% elsif (1..{HUGE}) contains 'x' %}}{{% endif %}}",
        f"{{% unless (1..{HUGE}) contains 'x' %}}{{% endunless %}}",
        f"{{% case 'x' %}}{{% when (1..{HUGE}) %}}{{% endcase %}}",
        f"{{% ifchanged %}}{{{{ (1..{HUGE}) | size }}}}{{% endifchanged %}}",
        f"{{% capture c %}}{{{{ (1..{HUGE}) | size }}}}{{% endcapture %}}",
        f"{{% cycle (1..{HUGE}) %}}",
        f"{{{{ l | where: (1..{HUGE}) }}}}",
        "{% for i in (1..n) %}{% endfor %}",
    ],
)
def test_a_huge_range_is_refused_wherever_it_stands(body: str) -> None:
    assert reason(body, n=10**30, l=[1]) == "template_too_complex"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{% for i in (1..1000) %}" * 3 + "x" + "{% endfor %}" * 3, id="nested loops"),
        pytest.param("{% for i in (1..10000) %}{% endfor %}" * 5000, id="one loop after the other"),
        pytest.param(
            "{% for i in (1..10000) %}" + "{{ '' }}" * 10_000 + "{% endfor %}",
            id="a long body that writes nothing",
        ),
        pytest.param(
            "{% for i in (1..10000) %}" + "{%#%}" * 10_000 + "{% endfor %}",
            id="a long body of comments",
        ),
        pytest.param(
            "{% tablerow i in (1..10000) %}" + "{%#%}" * 10_000 + "{% endtablerow %}",
            id="a long row",
        ),
        pytest.param(
            "{% liquid\nfor i in (1..10000)\n" + "assign a = 1\n" * 5000 + "endfor\n%}",
            id="a long body in a liquid tag",
        ),
        pytest.param(
            "{% for i in (1..10000) %}{% if v contains 'b' %}{% endif %}{% endfor %}",
            id="searching a long text again and again",
        ),
        pytest.param(
            "{% for i in (1..10000) %}{% if v == w %}{% endif %}{% endfor %}",
            id="comparing long texts again and again",
        ),
        pytest.param(
            "{% for i in (1..10000) %}{% if l == m %}{% endif %}{% endfor %}",
            id="comparing long lists again and again",
        ),
        pytest.param(
            "{% for i in (1..10000) %}{% assign x = v | upcase %}{% endfor %}",
            id="a filter over a long text again and again",
        ),
        pytest.param(
            "{% for i in (1..10000) %}{{ d | date: '%c' }}{% endfor %}",
            id="reading dates again and again",
        ),
        pytest.param(
            "{% assign m = l" + " | concat: m" * 60 + " %}{{ m | sort }}", id="sorting a long list"
        ),
        pytest.param(
            "{% for i in (1..10000) %}{% assign u = l | uniq %}{% endfor %}",
            id="uniq again and again",
        ),
        pytest.param(
            "{{ '%%%%'" + "| url_encode" * 10_000 + " }}", id="a long chain over a growing text"
        ),
        pytest.param(
            "{% for i in (1..10000) %}{% assign s = v | strip_html %}{% endfor %}",
            id="stripping markup again and again",
        ),
        pytest.param("{{ 'now' | date: v }}", id="a long date format"),
    ],
)
def test_too_much_work_is_refused(body: str) -> None:
    assert (
        reason(
            body,
            v="a" * 500_000,
            w="a" * 500_000,
            l=list(range(5000)),
            m=list(range(5000)),
            d="3 May 2021",
        )
        == "template_too_complex"
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            "{% assign s = 'aaaa' %}{% for i in (1..60) %}{% assign s = s | append: s %}{% endfor "
            "%}",
            id="append",
        ),
        pytest.param(
            "{% assign s = 'aaaa' %}{% for i in (1..60) %}{% assign s = s | prepend: s %}{% endfor "
            "%}",
            id="prepend",
        ),
        pytest.param(GROWN + "{{ s | replace: 'a', s }}", id="replace"),
        pytest.param(GROWN + "{{ s | replace: '', s }}", id="replace between all characters"),
        pytest.param(
            GROWN + "{% assign l = (1..9000) | concat: s %}{{ (1..9000) | join: s }}", id="join"
        ),
        pytest.param(GROWN + "{{ s | split: '' }}", id="split"),
        pytest.param("{{ 'aaaa'" + "| base64_encode" * 1000 + " }}", id="base64"),
        pytest.param(
            "{% assign l = 'a,b' | split: ',' %}{% for i in (1..60) %}{% assign l = l | concat: l "
            "%}{% endfor %}",
            id="concat",
        ),
        pytest.param(
            "{% assign n = 99 %}{% for i in (1..60) %}{% assign n = n | times: n %}{% endfor %}",
            id="times",
        ),
        pytest.param(
            "".join(f"{{% assign a{i} = v %}}" for i in range(9)), id="many assigned values"
        ),
    ],
)
def test_values_that_multiply_are_refused(body: str) -> None:
    expected = "template_error" if "concat: s" in body else "template_too_complex"
    assert reason(body, v="a" * 200_000) == expected


def test_output_over_its_limit_is_refused() -> None:
    assert reason("{{ v }}{{ v }}", v="ä" * (MAX_OUTPUT_BYTES // 4)) == "rendered"
    assert reason("{{ v }}{{ v }}x", v="ä" * (MAX_OUTPUT_BYTES // 4)) == "template_output_too_large"
    assert (
        reason("{% for i in (1..10000) %}{{ v }}{% endfor %}", v="a" * 1000)
        == "template_output_too_large"
    )
    assert (
        reason("{% for i in (1..60) %}{% capture s %}{{ s }}{{ s }}a{% endcapture %}{% endfor %}")
        == "template_output_too_large"
    )


@pytest.mark.parametrize(
    "part",
    [
        "{{",
        "{%",
        "{{a",
        "{% a",
        "{% raw %}",
        "{% doc %}",
        "{% comment %}",
        "{{'",
        "{{ a[",
        "{%liquid\n",
        "{{}}",
        "{%a%}",
    ],
)
def test_a_long_run_of_broken_tags_is_refused_in_linear_time(part: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        compile_template(TemplateSource(None, part * (200_000 // len(part)), None))


@pytest.mark.parametrize(
    "part", ["<", "<script", "<!--", "<style>", "<a", "<script></script><", "<<>"]
)
def test_markup_is_stripped_in_linear_time(part: str) -> None:
    assert reason("{{ v | strip_html | size }}", v=part * (900_000 // len(part))) == "rendered"


@pytest.mark.parametrize(
    "body", ["{{" + " " * 5000 + "a }}", "{% if a" + " " * 5000 + "%}{% endif %}"]
)
def test_long_blanks_inside_a_tag_are_refused(body: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="too much white space"):
        compile_template(TemplateSource(None, body, None))


@pytest.mark.parametrize(
    "body",
    [
        "{% if a %}" * 31 + "{% endif %}" * 31,
        "{% if " + " or ".join(["a"] * 20_000) + " %}{% endif %}",
        "{{ a" + "[a" * 5000 + "]" * 5000 + " }}",
    ],
)
def test_deep_nesting_is_refused_when_compiling(body: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_template(TemplateSource(None, body, None))
    assert caught.value.reason == "template_too_complex"


def test_source_over_its_limit_is_refused() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_template(TemplateSource(None, "x" * 200_001, None))
    assert caught.value.reason == "template_source_too_large"


def test_an_ordinary_large_mail_is_within_the_limits() -> None:
    row = (
        "<tr><td>{{ item.name | escape }}</td><td>{{ item.price | times: 1.2 | round: 2 "
        "}}</td></tr>" + "<!-- padding -->" * 20
    )
    body = "{% for item in items %}" + row + "{% endfor %}{{ text | newline_to_br }}"
    items = [{"name": f"Thing {number}", "price": number} for number in range(300)]
    assert reason(body, items=items, text="words \n" * 20_000) == "rendered"


def test_raw_text_and_comments_may_hold_what_is_not_liquid() -> None:
    body = (
        "{% raw %}{{ {% {% raw %}{% endraw %}{% comment %} {{ a }} {% if %} {% endcomment %}{%- "
        "doc -%} {{ {%- enddoc -%}."
    )
    assert (
        compile_template(TemplateSource(None, body, None)).render({}, NOON).body
        == "{{ {% {% raw %}."
    )
