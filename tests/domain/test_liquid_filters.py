"""Every filter, with whatever it may be given: it gives something, or says in plain words what is
wrong."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.templates.liquid.filters import FILTERS
from server.domain.templates.rendering import (
    CompiledTemplate,
    RenderError,
    TemplateSource,
    TemplateSyntaxError,
    compile_template,
)
from tests.support.clocks import NOON

VALUES: list[object] = [
    *(
        None,
        True,
        False,
        0,
        -7,
        2.5,
        -0.0,
        1e300,
        5e-324,
        10**40,
        "",
        " ",
        "abc",
        "12",
        "-3.5",
        "1e5",
        "Europe/Oslo",
        "%Y",
        "<b>&amp;",
        "\x00",
    ),
    *(
        "é\U0001f600",
        "2026-05-01",
        "99999999999999999999999",
        "9" * 500,
        "1." + "9" * 500,
        "%ff",
        "a%",
        "/w==",
    ),
    *(
        [],
        [1, "a", None, [2, {}]],
        [None],
        [[]],
        {},
        {"a": {"b": [1]}},
        [{"a": 1}, {"a": None}, {}],
        [True, 1, 1.5],
        ["b", "A"],
    ),
]
INTERNAL = re.compile(
    r"cannot be rendered|does not fit|NoneType|Markup|Decimal|Undefined|\bint\b|\bstr\b|\bdict\b"
    r"|float|tuple|object at|<class|argument"
)


def check(body: str, cases: Iterable[dict[str, object]]) -> None:
    """Renders as HTML with each of the variables; what is said to be wrong is in plain words."""
    try:
        template = compile_template(TemplateSource(None, "text", body))
    except TemplateSyntaxError as error:
        said = str(error)
        assert "takes" in said
        return
    for variables in cases:
        said = _said(template, variables)
        assert not INTERNAL.search(said), (said, variables)


def _said(template: CompiledTemplate, variables: dict[str, object]) -> str:
    try:
        template.render(variables, NOON)
    except RenderError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_a_filter_copes_with_every_value_and_argument(name: str) -> None:
    check(f"{{{{ v | {name} }}}}", ({"v": value} for value in VALUES))
    check(
        f"{{{{ v | {name}: a }}}}",
        ({"v": value, "a": argument} for value, argument in itertools.product(VALUES, VALUES)),
    )


@pytest.mark.parametrize(
    "name",
    [
        "replace",
        "replace_first",
        "replace_last",
        "slice",
        "truncate",
        "truncatewords",
        "where",
        "find",
    ],
)
def test_a_filter_copes_with_two_arguments(name: str) -> None:
    triples = itertools.product(VALUES[::3], VALUES[::2], VALUES[1::2])
    check(
        f"{{{{ v | {name}: a, b }}}}",
        ({"v": value, "a": first, "b": second} for value, first, second in triples),
    )


@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">=", "contains"])
def test_an_operator_copes_with_every_pair(operator: str) -> None:
    pairs = ({"v": left, "a": right} for left, right in itertools.product(VALUES, VALUES))
    check(
        f"{{% if v {operator} a %}}{{% endif %}}"
        "{% case v %}{% when a, empty, blank %}{% endcase %}",
        pairs,
    )


@pytest.mark.parametrize(
    "body",
    [
        "{% for x in v limit: a offset: b %}{{ x }}{% endfor %}",
        "{% for x in (a..b) reversed %}x{% endfor %}",
    ],
)
def test_a_loop_copes_with_every_value(body: str) -> None:
    check(
        body,
        (
            {"v": VALUES[-2:], "a": first, "b": second}
            for first, second in itertools.product(VALUES, VALUES)
        ),
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(JSON)
def test_json_reads_back_as_the_value(value: object) -> None:
    text = (
        compile_template(TemplateSource(None, "{{ v | json }}", None))
        .render({"v": value}, NOON)
        .body
    )
    assert json.loads(text) == value


@given(st.dictionaries(st.text(min_size=1), st.integers(), max_size=5))
def test_an_object_is_walked_by_its_keys_however_it_came(value: dict[str, int]) -> None:
    template = compile_template(
        TemplateSource(
            None, "{{ v }}{% for m in v %}{{ m | json }}{% endfor %}{{ v | first | json }}", None
        )
    )
    backwards = dict(reversed(value.items()))
    assert template.render({"v": value}, NOON) == template.render({"v": backwards}, NOON)
