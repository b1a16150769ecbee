"""No value of a variable can put markup into HTML; only the author of the template can."""

from __future__ import annotations

import base64
import re
import warnings

from hypothesis import given
from hypothesis import strategies as st

from server.domain.templates.liquid.filters import FILTERS as KNOWN_FILTERS
from server.domain.templates.rendering import (
    RenderError,
    TemplateSource,
    TemplateSyntaxError,
    compile_template,
)
from tests.support.clocks import NOON

MARKUP = "a <i>&lt;i&gt; b"
DISGUISES = [
    "<i>",
    MARKUP,
    "&lt;i&gt;",
    "&amp;lt;i&amp;gt;",
    "%3Ci%3E",
    "%26lt;i%26gt;",
    base64.b64encode(MARKUP.encode()).decode(),
    "\n<i>\r\n",
]
ARGUMENTS = {
    "append": ("'z'", "x"),
    "concat": ("l",),
    "date": ("'%Y'", "x"),
    "default": ("'z'", "x"),
    "join": ("'z'", "x"),
    "prepend": ("'z'", "x"),
    "remove": ("'z'", "x"),
    "replace": ("'a', 'z'", "'a', x", "x, 'z'"),
    "replace_first": ("'a', x", "x, 'z'"),
    "replace_last": ("'b', x", "x, 'z'"),
    "slice": ("0, 40",),
    "split": ("' '", "''", "x"),
    "truncate": ("40", "1, x"),
    "truncatewords": ("9", "1, x"),
}
FILTERS = [
    f"{name}: {each}"
    for name in KNOWN_FILTERS
    if name != "safe"
    for each in ARGUMENTS.get(name, ("'k'",))
]
FILTERS += [name for name in KNOWN_FILTERS if name != "safe"]


def html(body: str, value: str) -> str:
    with warnings.catch_warnings():
        # Dates in words are guessed at, with a warning where a time zone is not known.
        warnings.simplefilter("ignore")
        rendered = compile_template(TemplateSource(None, "", body)).render(
            {"x": value, "l": [value, {"k": value}], "o": {"k": value}}, NOON
        )
    return rendered.html or ""


@given(
    st.sampled_from(["x", "l", "o", "o.k", "c"]),
    st.lists(st.sampled_from(FILTERS), max_size=4),
    st.sampled_from(
        [
            "{{{{ {} }}}}",
            "{{% assign y = {} %}}{{{{ y }}}}",
            "{{% assign y = {} %}}{{% capture w %}}{{{{ y }}}}{{% endcapture %}}{{{{ w }}}}",
        ]
    ),
    st.sampled_from(DISGUISES),
)
def test_no_chain_of_filters_lets_markup_through(
    start: str, filters: list[str], form: str, value: str
) -> None:
    body = "{% capture c %}{{ x }}{% endcapture %}" + form.format(" | ".join([start, *filters]))
    try:
        out = html(body, value)
    except (RenderError, TemplateSyntaxError):
        return
    assert not re.search(r"<(?!br />\n)", out)


def test_only_the_author_s_own_safe_lets_markup_through() -> None:
    assert html("{{ x | safe }}", "<i>") == "<i>"
    assert html("{{ x }}", "{{ x | safe }}<i>") == "{{ x | safe }}&lt;i&gt;"
    assert html("<b>{{ x }}</b>{{ '<hr>' }}", "<i>") == "<b>&lt;i&gt;</b><hr>"
