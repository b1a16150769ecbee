"""Writes the page behind an unsubscribe link. It works without JavaScript: a switch is a form with
one button."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from html import escape
from urllib.parse import urlencode

from server.api.converters.unsubscribe_texts import TEXTS, PageTexts, language_of
from server.commands.consents.links import Choices
from storage.model.suppressions import SuppressionReason

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:10vh auto;padding:0 1rem}"
    "button{font:inherit;padding:.5rem 1rem}ul{list-style:none;padding:0}"
    "li{display:flex;justify-content:space-between;align-items:center;padding:.3rem 0}"
)
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_HEADERS = (
    # Nothing may be loaded or run, the form may be sent only to where it came from, and nobody may
    # put the page in a frame.
    (
        "content-security-policy",
        (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri "
            f"'none'; frame-ancestors 'none'"
        ),
    ),
    ("x-content-type-options", "nosniff"),
    # The address of the page is the token.
    ("referrer-policy", "no-referrer"),
    ("x-robots-tag", "noindex"),
)


def unsubscribe_page(choices: Choices, category: str) -> str:
    """The page of a link of this category. Its forms go to the same link, with a query of their
    own: the link itself is not in the page."""
    language = language_of(choices.locale)
    texts = TEXTS[language]
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><meta '
        f'name="viewport" content="width=device-width"><title>{escape(texts.title)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(texts.title)}</h1>"
        f"{_body(choices, category, texts)}</main></body></html>\n"
    )


def _body(choices: Choices, category: str, texts: PageTexts) -> str:
    if choices.suppressed not in (None, SuppressionReason.UNSUBSCRIBE):
        return _paragraph(texts.suppressed)
    everything = choices.suppressed is None
    reached = everything and choices.categories.get(category, True)
    head = (
        _paragraph(texts.question) + _one_click(texts)
        if reached
        else _paragraph(texts.unsubscribed)
    )
    switches = [
        _switch(_title(name), {"category": name}, texts, is_on=wanted)
        for name, wanted in choices.categories.items()
        if everything
    ]
    switches.append(_switch(texts.everything, {"everything": "true"}, texts, is_on=everything))
    return f"{head}<h2>{escape(texts.categories)}</h2><ul>{''.join(switches)}</ul>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _one_click(texts: PageTexts) -> str:
    return (
        '<form method="post" action="?"><input type="hidden" name="List-Unsubscribe" '
        f'value="One-Click"><button>{escape(texts.unsubscribe)}</button></form>'
    )


def _switch(label: str, about: dict[str, str], texts: PageTexts, *, is_on: bool) -> str:
    action = escape("?" + urlencode({**about, "wanted": "false" if is_on else "true"}))
    state = texts.on if is_on else texts.off
    return (
        f'<li><span>{escape(label)}</span><form method="post" action="{action}"><button '
        f'role="switch" aria-checked="{"true" if is_on else "false"}" '
        f'aria-label="{escape(label)}">{escape(state)}</button></form></li>'
    )


def _title(category: str) -> str:
    """A category as people read it: `product_news` is Product news."""
    words = category.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:] or category
