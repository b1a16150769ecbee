"""The text part that is made of HTML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.templates.html_text import text_of_html
from server.domain.templates.rendering import (
    Rendered,
    RenderError,
    TemplateSource,
    compile_template,
)
from server.domain.templates.rendering_limits import MAX_OUTPUT_BYTES
from tests.support.clocks import NOON

MAIL = """<!DOCTYPE html>
<html><head><title>News</title><style>p { color: red }</style><!--[if mso]><xml/><![endif]--></head>
<body>
<div style="display:none; max-height:0">Preview&zwnj;&nbsp;<div>more</div></div>
<table width="100%"><tr><td><img src="x.png" alt="Acme"></td><td>Spring&nbsp;2026</td></tr></table>
<h1>Hello   Ann,</h1>
<p>your <b>order</b> &amp; more:
<a href="https://example.com/o/7?a=1&amp;b=2">Order 7</a>.</p>
<ul><li>Pen</li><li>Ink<ol start="3"><li>blue<li>black</ol></li></ul>
<blockquote><p>It is good.</p><p>Really.</p></blockquote>
<p>Yours<br>Acme</p><hr>
<script>alert("<p>no</p>")</script>
<p><a href="mailto:help@example.com?subject=x">help@example.com</a> |
<a href="https://example.com/">https://example.com</a> | <a href="#top">Top</a></p>
<pre>  a
    b</pre>
</body></html>"""
TEXT = """Acme  Spring 2026

Hello Ann,

your order & more: Order 7 (https://example.com/o/7?a=1&b=2).

- Pen
- Ink
  3. blue
  4. black

> It is good.
>
> Really.

Yours
Acme

---

help@example.com | https://example.com | Top

  a
    b"""


def test_a_mail_reads_as_it_looks() -> None:
    assert text_of_html(MAIL) == TEXT


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("just text &lt;b&gt; &euro; &#8364;", "just text <b> € €"),
        ("a<p>b<p>c", "a\n\nb\n\nc"),
        ("<div>a</div><div>b</div>c", "a\nb\nc"),
        ("a<br><br><br><br>b", "a\n\nb"),
        ("a <i> b </i> c", "a b c"),
        ('<a href="https://x.example"><img alt="Shop"></a>', "Shop (https://x.example)"),
        ('<a href="https://x.example"><img></a>', "https://x.example"),
        (
            '<a href="https://a.example">a <a href="https://b.example">b',
            "a (https://a.example) b (https://b.example)",
        ),
        ("<A HREF=https://x.example>X</A>", "X (https://x.example)"),
        ('<a name="x">X</a> <a href="javascript:alert(1)">Y</a>', "X Y"),
        ('<a href="tel:+4420">call</a>', "call (+4420)"),
        ("<ol><li>a<li>b</ol><ul><li><p>c</p></ul>", "1. a\n2. b\n\n- c"),
        ("<ul><li>a<br>b</li></ul>", "- a\n  b"),
        ("<li>a", "- a"),
        ("<table><tr><td>a<td>b<tr><th>c<td>d</table>", "a  b\nc  d"),
        ("<p hidden>a</p>b<template>c</template><svg><title>d</title></svg>", "b"),
        ("<script>a</script>b<style>c", "b"),
        ("<textarea><b>x</b></textarea>", "<b>x</b>"),
        ("1 < 2 > 0 <3", "1 < 2 > 0 <3"),
        ("a<b title='>'>c</b title>d", "acd"),
        ("a <b", "a"),
        ("</p></ul></blockquote></a></pre>a", "a"),
        ("so\u00adft\u200b hy\ufeffphen", "soft hyphen"),
    ],
)
def test_markup_becomes_text(markup: str, text: str) -> None:
    assert text_of_html(markup) == text


@pytest.mark.parametrize(
    "part",
    [
        *(
            "<",
            "<a",
            "<a ",
            "<a href='",
            '<a href="x">',
            "<!--",
            "<p>",
            "<ul><li>",
            "<b x=",
            "&",
            "&#",
            "<script>",
            "</",
            "<blockquote>",
        ),
        *(
            "a=",
            "<a b c",
            "<p a=\"'",
            "<svg>",
            "<br>x",
            " ",
            "<td>",
            "<img alt=x>",
            "<pre>\n",
            "<p a=' a=\"",
            "<b =",
            "<b = ",
        ),
    ],
)
def test_any_markup_is_read_in_linear_time(part: str) -> None:
    text = part * (500_000 // len(part))
    assert len(text_of_html(text)) < 4 * len(text)


@given(
    st.text(alphabet="<>/!-ab p='\"&;\n", max_size=60)
    | st.lists(st.sampled_from(MAIL.split(">")), max_size=9).map(">".join)
)
def test_no_markup_breaks_it_or_leaves_a_tag(markup: str) -> None:
    text = text_of_html(markup)
    assert "<!--" not in text
    assert not text.startswith("\n")


def test_a_template_of_html_alone_has_a_text_part() -> None:
    template = compile_template(TemplateSource("S", " \n", "<p>Dear {{ name }},</p><p>hi</p>"))
    expected = Rendered("S", "Dear A&B <i>,\n\nhi", "<p>Dear A&amp;B &lt;i&gt;,</p><p>hi</p>")
    assert template.render({"name": "A&B <i>"}, NOON) == expected


def test_a_text_of_its_own_goes_before() -> None:
    assert (
        compile_template(TemplateSource(None, "own", "<p>made</p>")).render({}, NOON).body == "own"
    )


def test_a_text_that_would_be_too_large_is_refused() -> None:
    markup = (
        "<ul>" * 4
        + "<blockquote>" * 4
        + "{% for i in (1..10000) %}{% for j in (1..1) %}"
        + "<br>x" * 15
        + "{% endfor %}{% endfor %}"
    )
    with pytest.raises(RenderError) as caught:
        compile_template(TemplateSource(None, "", markup)).render({}, NOON)
    assert (caught.value.reason, caught.value.field) == ("template_output_too_large", "body")
    assert len("<br>x" * 15) * 10_000 < MAX_OUTPUT_BYTES
