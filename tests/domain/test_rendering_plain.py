"""Plain templates are filled in with exactly what Liquid makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid import BoundTemplate

from server.domain.templates.rendering import TemplateSource, compile_template
from server.domain.templates.rendering_limits import MAX_OUTPUT_BYTES, render_tree
from server.domain.templates.rendering_plain import MAX_PIECES, plain
from tests.support.clocks import NOON

NAMES = ("person", "name", "size", "first", "now", "a-b", "größe", "nobody")
TEXTS = st.text() | st.sampled_from(["", "<b>&'\"</b>", "\r\n", "{", "a\rb", "\ud800", "false"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**5000, 10**5001)
    | st.floats()
    | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=8,
)
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(".".join)
PIECES = (
    PATHS.map(lambda path: f"{{{{ {path} }}}}")
    | PATHS.map(lambda path: f"{{{{- {path} | default: '<i>you</i>' -}}}}")
    | st.sampled_from(
        [
            "Dear ",
            "\n",
            "<p>",
            " & ",
            "{{ 'text' }}",
            "{{ person[0] }}",
            "{{ person['name'] }}",
            "{{ name | upcase }}",
        ]
    )
)


def trees(source: str) -> tuple[BoundTemplate, BoundTemplate]:
    """A source as text and as HTML."""
    (body,) = compile_template(TemplateSource(None, source, None)).parsed
    _, html = compile_template(TemplateSource(None, "text", source)).parsed
    return body, html


@given(st.lists(PIECES, max_size=6).map("".join), st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_what_is_filled_in_is_what_liquid_renders(source: str, context: dict[str, object]) -> None:
    for tree in trees(source):
        filled_in = (found := plain(tree)) and found.fill_in(context)
        if filled_in is not None:
            assert filled_in == render_tree(tree, context, NOON)


@pytest.mark.parametrize(
    ("source", "text", "html"),
    [
        (
            "Dear {{ person.name }},\n{{ n }} of {{ x }}.",
            "Dear <A&B>,\n7 of 1.5.",
            "Dear &lt;A&amp;B&gt;,\n7 of 1.5.",
        ),
        ("{{ huge }} {{ tiny }}", "1.0e+16 1.0e-05", "1.0e+16 1.0e-05"),
        ("{{ nobody }}{{ person.nothing }}{{ empty_one }}", "", ""),
        ("{{ empty_one | default: '<i>' }}{{ n | default: 'x' }}", "<i>7", "<i>7"),
        ("{{ person['name'] }} {{- n -}} !", "<A&B>7!", "&lt;A&amp;B&gt;7!"),
    ],
)
def test_texts_variables_and_defaults_are_filled_in(source: str, text: str, html: str) -> None:
    context = {
        "person": {"name": "<A&B>"},
        "n": 7,
        "x": 1.5,
        "empty_one": None,
        "huge": 1e16,
        "tiny": 0.00001,
    }
    assert [(found := plain(tree)) and found.fill_in(context) for tree in trees(source)] == [
        text,
        html,
    ]


@pytest.mark.parametrize(
    "source",
    [
        "{{ name | upcase }}",
        "{{ name | default: other }}",
        "{{ name | default: 'x', allow_false: true }}",
        "{{ name | default: 'x' | upcase }}",
        "{{ 'text' }}",
        "{{ list[0] }}",
        "{{ person[name] }}",
        "{{ list.size }}",
        "{{ now }}",
        "{% if name %}x{% endif %}",
        "{{ name }}" * (MAX_PIECES + 1),
    ],
)
def test_whatever_more_a_template_does_is_liquids(source: str) -> None:
    assert plain(trees(source)[0]) is None


@pytest.mark.parametrize(
    "value",
    [True, [1], {"a": 1}, "a\rb", "\ud800", 2**64, -(2**64), "é" * (MAX_OUTPUT_BYTES // 2 + 1)],
    ids=lambda value: str(type(value)),
)
def test_values_of_unusual_kinds_are_liquids(value: object) -> None:
    found = plain(trees("{{ name }}")[0])
    assert found is not None
    assert found.fill_in({"name": value}) is None
