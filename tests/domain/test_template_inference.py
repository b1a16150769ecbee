"""Which variables are found in a template, and which of them are required."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.templates.inference import infer_variables
from server.domain.templates.rendering import TemplateSource, TemplateSyntaxError, compile_template
from server.domain.templates.variables import is_variable_name
from storage.model.templates import VariableType


def found(*bodies: str) -> dict[str, bool]:
    """Whether each variable found in the bodies together is required."""
    variables = infer_variables(
        compile_template(TemplateSource(None, body, None)) for body in bodies
    )
    return {variable.name: variable.required for variable in variables}


@pytest.mark.parametrize(
    ("body", "variables"),
    [
        ("no variables", {}),
        ("{{ name }}", {"name": True}),
        ("{{ order.lines[0].price }}", {"order": True}),
        ("{{ order['id'] }}", {"order": True}),
        ("{{ prices[currency.code] }}", {"prices": True, "currency": True}),
        ("{{ name | upcase }}", {"name": True}),
        ("{{ 'x' | append: name }}", {"name": True}),
        ("{% echo name %}", {"name": True}),
        ("{% liquid\n echo name\n%}", {"name": True}),
        ("{% cycle a, 'b' %}", {"a": True}),
        ("{% capture text %}{{ name }}{% endcapture %}{{ text }}", {"name": True}),
        ("{{ first-name }}{{ größe }}", {"first-name": True, "größe": True}),
        # What the author allows to be absent.
        ("{{ name | default: 'you' }}", {"name": False}),
        ("{{ name | upcase | default: 'you' }}", {"name": False}),
        ("{{ name }} {{ name | default: 'you' }}", {"name": False}),
        ("{% if name %}{{ name }}{% endif %}", {"name": False}),
        ("{% if vip and level > 3 %}{{ level }}{% endif %}", {"vip": False, "level": False}),
        (
            "{% if a %}{% elsif b %}{% else %}{{ c }}{% endif %}",
            {"a": False, "b": False, "c": True},
        ),
        ("{% unless name == blank %}{{ name }}{% endunless %}", {"name": False}),
        (
            "{% case plan %}{% when top %}{{ plan }}{% else %}{{ other }}{% endcase %}",
            {"plan": False, "top": False, "other": True},
        ),
        ("{% for item in items %}{{ item.name }}{% endfor %}", {"items": False}),
        (
            "{% for i in (1..count) %}{{ i }}{% else %}{{ none }}{% endfor %}",
            {"count": False, "none": True},
        ),
        ("{% tablerow item in items %}{{ item }}{% endtablerow %}", {"items": False}),
        # Only what comes before a `default` may be absent.
        ("{{ nickname | default: name }}", {"nickname": False, "name": True}),
        ("{{ nickname | default: name | default: 'you' }}", {"nickname": False, "name": False}),
        # What the template sets is no input; it stands for what it was set from.
        ("{% assign x = 1 %}{{ x }}", {}),
        ("{% assign x = name %}{{ x }}", {"name": True}),
        ("{% assign x = name | upcase %}{% assign y = x %}{{ y }}", {"name": True}),
        ("{% assign x = name %}{% if x %}{{ x }}{% endif %}", {"name": False}),
        ("{% assign x = name %}nothing printed", {"name": False}),
        ("{% assign name = name | default: 'you' %}{{ name }}", {"name": False}),
        ("{{ x }}{% assign x = 1 %}", {"x": True}),
        ("{% increment n %}{{ n }}", {}),
        ("{% for x in xs %}{{ x }}{% endfor %}{{ x }}", {"xs": False, "x": True}),
        # Names of the service's own, and Liquid's.
        ("{{ person.first_name }}{{ brand.id }}{{ campaign.name }}{{ unsubscribe_url }}", {}),
        ("{{ 'now' | date: '%Y' }}{{ now }}{{ today }}{{ forloop.index }}", {}),
        ("{{ true }}{{ nil }}{{ empty }}{{ 'text' }}{{ 5 }}", {}),
        # What is not rendered.
        ("{% comment %}{{ a }}{% endcomment %}{% raw %}{{ b }}{% endraw %}", {}),
        # No schema can hold such a name.
        ("{{ ['two words'] }}", {}),
    ],
)
def test_inference(body: str, variables: dict[str, bool]) -> None:
    assert found(body) == variables


def test_variables_come_in_the_order_of_the_template() -> None:
    assert list(found("{{ b | append: c }}{% if d == e %}{% endif %}{{ a }}")) == [
        "b",
        "c",
        "d",
        "e",
        "a",
    ]


def test_every_field_counts_and_a_guard_in_one_guards_in_all() -> None:
    template = compile_template(
        TemplateSource("{{ a }}", "{{ b }} {% if c %}{% endif %}", "{{ c }}")
    )
    assert {each.name: each.required for each in infer_variables([template])} == {
        "a": True,
        "b": True,
        "c": False,
    }
    assert found("{{ a }}", "{{ b | default: 1 }}", "{{ b }}") == {"a": True, "b": False}


def test_what_one_field_sets_is_an_input_of_the_others() -> None:
    assert found("{% assign x = 1 %}{{ x }}", "{{ x }}") == {"x": True}


def test_inferred_variables_are_of_any_type_and_have_no_default() -> None:
    (variable,) = infer_variables(
        [compile_template(TemplateSource(None, "{{ n | plus: 1 }}", None))]
    )
    assert (variable.type, variable.default) == (VariableType.ANYTHING, None)


_NAMES = st.sampled_from(
    ["a", "b.c", "d[0]", "e[f.g]", "person.x", "now", "'text'", "3", "(1..h)", "['i j']", "k-l"]
)
_FILTERS = st.sampled_from(
    ["", " | default: m", " | upcase", " | append: n | default: 'o'", " | plus: p"]
)
_OUTPUT = st.builds("{{{{ {}{} }}}}".format, _NAMES, _FILTERS)
_SETTING = st.builds("{{% assign {} = {}{} %}}".format, st.sampled_from("abq"), _NAMES, _FILTERS)


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    texts = st.lists(inner, max_size=3).map("".join)
    return st.one_of(
        st.builds(
            "{{% if {} == {} %}}{}{{% elsif {} %}}{}{{% else %}}{}{{% endif %}}".format,
            _NAMES,
            _NAMES,
            texts,
            _NAMES,
            texts,
            texts,
        ),
        st.builds("{{% unless {} %}}{}{{% endunless %}}".format, _NAMES, texts),
        st.builds(
            "{{% case {} %}}{{% when {}, {} %}}{}{{% else %}}{}{{% endcase %}}".format,
            _NAMES,
            _NAMES,
            _NAMES,
            texts,
            texts,
        ),
        st.builds(
            "{{% for a in {} limit: r %}}{}{{% else %}}{}{{% endfor %}}".format,
            _NAMES,
            texts,
            texts,
        ),
        st.builds("{{% tablerow s in {} cols: t %}}{}{{% endtablerow %}}".format, _NAMES, texts),
        st.builds("{{% capture u %}}{}{{% endcapture %}}".format, texts),
        st.builds("{{% ifchanged %}}{}{{% endifchanged %}}".format, texts),
    )


_LIQUID = st.recursive(
    st.one_of(
        _OUTPUT, _SETTING, st.just("{% cycle v: w, 'x' %}{% decrement y %}{% liquid echo z %}")
    ),
    _blocks,
)


@given(st.lists(_LIQUID, max_size=5).map("".join))
def test_inference_of_any_liquid_gives_a_schema(body: str) -> None:
    variables = infer_variables([compile_template(TemplateSource(None, body, None))])
    names = [variable.name for variable in variables]
    assert len(set(names)) == len(names)
    assert all(map(is_variable_name, names))


_PIECES = [
    "{{",
    "}}",
    "{%",
    "%}",
    "if ",
    "endif",
    "for x in ",
    "endfor",
    "assign x = ",
    "a",
    ".b",
    "[",
    "]",
    "|",
    "default:",
    "==",
    "'",
    " ",
    "-",
]


@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=3)), max_size=30).map("".join))
def test_any_text_is_either_refused_or_gives_a_schema(body: str) -> None:
    try:
        template = compile_template(TemplateSource(body, body, body))
    except TemplateSyntaxError:
        return
    assert all(is_variable_name(variable.name) for variable in infer_variables([template]))
