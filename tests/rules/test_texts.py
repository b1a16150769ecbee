"""Rules of texts, as a request hears of them."""

from __future__ import annotations

import pytest

from carillon.messaging.v1 import (
    campaign_service_pb2,
    person_service_pb2,
    template_pb2,
    template_service_pb2,
)
from server.rules.faults import find_faults
from tests.rules.limits import ADDRESS_LENGTH, DESCRIPTION_LENGTH, ID_LENGTH


def of_line(value: str) -> str | None:
    return only_fault(person_service_pb2.PersonToPut(person_id=value), "person_id")


def of_text(value: str) -> str | None:
    return only_fault(
        campaign_service_pb2.UpdateCampaignRequest(id="1", description=value), "description"
    )


def of_key(value: str) -> str | None:
    request = template_service_pb2.CreateTemplateRequest(
        channel="email",  # type: ignore[arg-type]
        brand_id="acme",
        key=value,
    )
    return only_fault(request, "key")


def of_tag(value: str) -> str | None:
    return only_fault(template_pb2.TemplateVariant(body="Hello", locale=value), "locale")


def only_fault(message: object, field: str) -> str | None:
    found = find_faults(message)  # type: ignore[arg-type]
    assert [fault.field for fault in found] in ([], [field])
    return found[0].message if found else None


@pytest.mark.parametrize("value", ["a", "a" * ID_LENGTH, "ä ö", " a "])
def test_a_line_that_may_be(value: str) -> None:
    assert of_line(value) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "is required"),
        (" ", "must not be blank"),
        ("\u2003\u00a0", "must not be blank"),
        ("a" * (ID_LENGTH + 1), "must be at most 128 characters"),
        ("a\nb", "must not contain line breaks or control characters"),
        ("a\x00", "must not contain line breaks or control characters"),
        ("a\x7f", "must not contain line breaks or control characters"),
    ],
)
def test_a_line_that_may_not_be(value: str, message: str) -> None:
    assert of_line(value) == message


def test_a_text_may_have_lines_but_no_nul() -> None:
    assert of_text("") is None
    assert of_text("a\r\n\tb") is None
    assert of_text("a\x00") == "must not contain the NUL character"
    assert of_text("a" * (DESCRIPTION_LENGTH + 1)) == "must be at most 2000 characters"


@pytest.mark.parametrize("key", ["a", "Welcome-2.v_1", "0", "a" * ID_LENGTH])
def test_a_template_key_that_may_be(key: str) -> None:
    assert of_key(key) is None


@pytest.mark.parametrize(
    "key", ["", ".", "..", "-a", "_a", "a/b", "a b", "ä", "a\n", "a" * (ID_LENGTH + 1)]
)
def test_a_template_key_that_may_not_be(key: str) -> None:
    assert of_key(key) is not None


@pytest.mark.parametrize("tag", ["de", "pt-BR", "zh-Hant-TW", "sr-Latn-RS", "es-419", "klingon"])
def test_a_language_tag_that_may_be(tag: str) -> None:
    assert of_tag(tag) is None


@pytest.mark.parametrize(
    "tag", ["", "d", "de_DE", "de-", "-de", "de--DE", "de\n", "ü", "de" + "-abcdefgh" * 4]
)
def test_a_language_tag_that_may_not_be(tag: str) -> None:
    assert of_tag(tag) is not None


def test_no_fault_repeats_what_was_sent() -> None:
    secret = "ann@example.com"
    assert secret not in str(of_key(secret))
    assert secret not in str(of_tag(secret))
    assert secret not in str(of_line(secret * 20))


@pytest.mark.parametrize(
    ("recipient", "field"),
    [
        (("a" * (ID_LENGTH + 1), "x"), "person_id"),
        (("a", "x" * (ADDRESS_LENGTH + 1)), "recipient"),
        (("a\x00", "x"), "person_id"),
        (("a", "x\x00"), "recipient"),
    ],
)
def test_a_recipient_no_database_holds_is_named(recipient: tuple[str, str], field: str) -> None:
    good = campaign_service_pb2.Recipient(person_id="a" * ID_LENGTH, recipient="x" * ADDRESS_LENGTH)
    bad = campaign_service_pb2.Recipient(person_id=recipient[0], recipient=recipient[1])
    blank = campaign_service_pb2.Recipient()
    request = campaign_service_pb2.PublishCampaignRequest(id="1", recipients=[good, bad, blank])
    assert [fault.field for fault in find_faults(request)] == [f"recipients[1].{field}"]


def test_of_two_that_must_differ_the_later_is_named() -> None:
    variants = [
        template_pb2.TemplateVariant(body="Hello", locale=locale)
        for locale in ("de-AT", "de", "DE-at")
    ]
    request = template_service_pb2.CreateTemplateVersionRequest(
        id="1", body="Hello", variants=variants
    )
    (fault,) = find_faults(request)
    assert (fault.field, fault.message) == ("variants[2].locale", "is also that of variants[0]")
