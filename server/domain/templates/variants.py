"""Chooses the language in which a person gets a template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from server.domain.templates.rendering import TemplateSource
from storage.model.templates import TemplateVariant


class Localized(Protocol):
    """A template's default texts and its variants."""

    @property
    def subject(self) -> str | None: ...
    @property
    def body(self) -> str: ...
    @property
    def html(self) -> str | None: ...
    @property
    def variants(self) -> Sequence[TemplateVariant]: ...


def canonical_locale(tag: str) -> str:
    """The tag in its canonical case (RFC 5646, 2.1.1): language `pt`, script `Hant`, region `BR`;
    all lower after a single letter."""
    parts = tag.lower().split("-")
    for index in range(1, len(parts)):
        if len(parts[index - 1]) == 1:
            break
        if len(parts[index]) == 2:
            parts[index] = parts[index].upper()
        elif len(parts[index]) == 4:
            parts[index] = parts[index].title()
    return "-".join(parts)


def choose_variant(
    variants: Sequence[TemplateVariant], locale: str | None
) -> TemplateVariant | None:
    """The variant of the locale, else of its parents (`zh-Hant-TW`, `zh-Hant`, `zh`: RFC 4647,
    3.4), else None: the default texts."""
    if not variants or not locale:
        return None
    by_locale = {variant.locale.lower(): variant for variant in variants}
    wanted = locale.lower()
    while wanted:
        if wanted in by_locale:
            return by_locale[wanted]
        wanted = wanted.rpartition("-")[0]
    return None


def source_of(
    template: Localized, variant: TemplateVariant | None, own_subject: str | None = None
) -> TemplateSource:
    """What is rendered. A campaign's own subject goes before those of the template, in every
    language."""
    if variant is None:
        return TemplateSource(own_subject or template.subject, template.body, template.html)
    return TemplateSource(
        own_subject or variant.subject or template.subject, variant.body, variant.html
    )
