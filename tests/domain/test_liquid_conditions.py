"""Conditions hold as Liquid's reference says, and what cannot be done is said in plain words."""

from __future__ import annotations

import pytest

from server.domain.templates.rendering import RenderError, TemplateSource, compile_template
from tests.support.clocks import NOON

DATA: dict[str, object] = {
    "array": [1, 2, 3],
    "flags": [True, None],
    "o": {"b": [1, None, 2.5], "a": {"c": "x"}},
    "none": None,
    "yes": True,
    "no": False,
    "void": "",
    "bare": [],
    "blankish": " \t\n",
    "one": 1,
    "product": {"title": "Awesome Shoes", "tags": ["Hello", "5"]},
    "secret": "s3cr3t",
}


def render(body: str) -> str:
    return compile_template(TemplateSource(None, body, None)).render(DATA, NOON).body


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("one == true", False),
        ("one == 1.0", True),
        ("one == '1'", False),
        ("no == 0", False),
        ("none == nobody", True),
        ("none == nil and nil == none", True),
        ("none == false", False),
        ("none", False),
        ("void", True),
        ("0", True),
        ("bare", True),
        ("void == empty and empty == bare", True),
        ("none == empty", False),
        ("o == empty", False),
        ("none == blank and no == blank and blankish == blank and bare == blank", True),
        ("0 == blank", False),
        ("yes == blank", False),
        ("blankish == empty", False),
        ("1 < 2.5 and 'a' < 'b' and 2 >= 2 and 'b' >= 'b'", True),
        ("none < 1", False),
        ("none >= none", False),
        ("yes > 0", False),
        ("array > 0", False),
        ("o > o", False),
        ("product.title contains 'Awe'", True),
        ("product.title contains none", False),
        ("product.tags contains 'Hello'", True),
        ("product.tags contains 5", False),
        ("'a5' contains 5", True),
        ("flags contains 1", False),
        ("o contains 'a'", True),
        ("one contains 1", False),
        ("(1..3) contains 2", True),
        ("flags == flags and o == o", True),
        ("array == flags", False),
        ("true or false and false", True),
        ("true and false and false or true", False),
    ],
)
def test_a_condition_holds_as_the_reference_says(condition: str, holds: bool) -> None:
    assert render(f"{{% if {condition} %}}yes{{% else %}}no{{% endif %}}") == (
        "yes" if holds else "no"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{{ 5 | divided_by: 0 }}", "divided_by: cannot divide by zero"),
        ("{{ 5.5 | modulo: none }}", "modulo: cannot divide by zero"),
        ("{{ 1 | concat: 'x' }}", "concat: needs a list to add"),
        ("{{ array | concat: flags | concat: void | sort }}", "concat: needs a list to add"),
        (
            "{{ product.tags | concat: array | sort }}",
            "sort: cannot sort values of different kinds",
        ),
        ("{{ array | map: 'a' }}", "map: a number has no properties"),
        ("{{ product.tags | where: 1 }}", "where: the name of a property must be a text"),
        ("{{ secret | slice: secret }}", "slice: needs a whole number"),
        ("{{ secret | truncate: 2.5 }}", "truncate: needs a whole number"),
        ("{{ secret | base64_decode }}", "base64_decode: the text is not base64"),
        ("{{ '/w==' | base64_decode }}", "base64_decode: what it stands for is not text"),
        ("{{ '%ff' | url_decode }}", "url_decode: what it stands for is not text"),
        (
            "{{ 1000000000.5 | times: 1000000000.5" + " | times: 1000000000.5" * 40 + " }}",
            "times: the result is too large",
        ),
        ("{% if one < secret %}{% endif %}", "a number and a text cannot be compared"),
        (
            "{% for x in array limit: secret %}{% endfor %}",
            "the limit of a loop must be a whole number",
        ),
        (
            "{% for x in array offset: 1.5 %}{% endfor %}",
            "the offset of a loop must be a whole number",
        ),
        ("{% for x in (1..array) %}{% endfor %}", "the ends of a range must be whole numbers"),
    ],
)
def test_what_cannot_be_done_is_said_in_plain_words(body: str, message: str) -> None:
    with pytest.raises(RenderError) as caught:
        render("\n" + body)
    assert str(caught.value) == f"body, line 2: {message}"
    assert caught.value.reason == "template_error"
