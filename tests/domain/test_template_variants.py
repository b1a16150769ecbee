"""Languages of a template."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from server.domain.templates.rendering import TemplateSource
from server.domain.templates.variants import canonical_locale, choose_variant, source_of
from storage.model.templates import TemplateVariant


def variants(*locales: str) -> list[TemplateVariant]:
    return [TemplateVariant(locale, None, locale, None) for locale in locales]


@pytest.mark.parametrize(
    ("tag", "canonical"),
    [
        ("PT", "pt"),
        ("pt-br", "pt-BR"),
        ("zh-hANT-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("sl-ROZAJ-biske", "sl-rozaj-biske"),
        ("en-ca-X-CA-abcd", "en-CA-x-ca-abcd"),
        ("de-CH-1996", "de-CH-1996"),
    ],
)
def test_tags_have_one_case(tag: str, canonical: str) -> None:
    assert canonical_locale(tag) == canonical


@pytest.mark.parametrize(
    ("available", "wanted", "chosen"),
    [
        (["pt", "pt-BR"], "pt-BR", "pt-BR"),
        (["pt", "pt-BR"], "pt-PT", "pt"),
        (["pt", "pt-BR"], "PT-br", "pt-BR"),
        (["pt-BR"], "pt", None),
        (["pt-BR"], "pt-PT", None),
        (["zh", "zh-Hant"], "zh-Hant-TW", "zh-Hant"),
        (["zh"], "zh-Hant-TW", "zh"),
        (["en"], "eng", None),
        (["pt"], "en", None),
        (["pt"], None, None),
        (["pt"], "", None),
        ([], "pt", None),
    ],
)
def test_a_person_gets_the_variant_of_their_locale_or_else_of_its_parents(
    available: list[str], wanted: str | None, chosen: str | None
) -> None:
    variant = choose_variant(variants(*available), wanted)
    assert (variant.locale if variant else None) == chosen


@dataclass
class Texts:
    subject: str | None = "subject"
    body: str = "body"
    html: str | None = "html"
    variants: tuple[TemplateVariant, ...] = ()


def test_without_a_variant_the_default_texts_are_rendered() -> None:
    assert source_of(Texts(), None) == TemplateSource("subject", "body", "html")


def test_a_variant_without_a_subject_has_the_default_one_but_no_html_of_the_default() -> None:
    assert source_of(Texts(), TemplateVariant("pt", None, "corpo", None)) == TemplateSource(
        "subject", "corpo", None
    )
    assert source_of(Texts(), TemplateVariant("pt", "assunto", "corpo", "<p>")) == TemplateSource(
        "assunto", "corpo", "<p>"
    )


def test_a_campaign_s_own_subject_goes_before_all_others() -> None:
    assert source_of(Texts(), None, "own").subject == "own"
    assert (
        source_of(Texts(), TemplateVariant("pt", "assunto", "corpo", None), "own").subject == "own"
    )
    assert source_of(Texts(subject=None), None).subject is None
