"""In which form addresses are kept, and which are refused."""

from __future__ import annotations

from unicodedata import normalize

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from server.domain.contacts.addresses import (
    check_recipient,
    normalise_address,
    normalise_person_id,
    normalise_recipient,
)
from server.domain.contacts.email_addresses import normalise_email, normalise_sender
from server.domain.contacts.invisible_characters import refuse_invisible
from server.domain.contacts.person import NewPerson, check_person
from server.domain.contacts.phone_numbers import normalise_phone
from server.domain.errors import ValidationFailed
from server.domain.validation import Checks


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("Ann.B+news@Example.COM", "ann.b+news@example.com"),
        ("  ann@example.com\u3000", "ann@example.com"),
        ("mia@straße.example.com", "mia@xn--strae-oqa.example.com"),
        ("JOSE\u0301@Example.com", "josé@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
        ("ann@straße.de", "ann@xn--strae-oqa.de"),
        ("josé@example.com", "josé@example.com"),
        ("ann@inbox.test", "ann@inbox.test"),
    ],
)
def test_mail_addresses_are_kept_in_lower_case_with_an_ascii_domain_and_composed(
    given_: str, kept: str
) -> None:
    assert normalise_email(given_) == kept
    assert normalise_email(kept) == kept


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@example.com",
        "ann@",
        "Ann <ann@example.com>",
        "\u200bann@example.com",
        "ann@exam\u200bple.com",
        "ann@exam\u00adple.com",
        "ann\ufe0f@example.com",
        "ann@example.com\n",
        "é" * 33 + "@example.com",
        "\u0301a@example.com",
        "a\xa0b@example.com",
        "\ue000@example.com",
        "ann@example.com, bob@example.com",
        "ann@bob@example.com",
        "ann b@example.com",
        '"ann b"@example.com',
        "ann..b@example.com",
        ".ann@example.com",
        "ann@example",
        "ann@localhost",
        "ann@[192.0.2.1]",
        "ann@exa mple.com",
        "ann@example.com.",
        "ann@-example.com",
        "a" * 65 + "@example.com",
        "ann@" + "d" * 64 + ".example",
        "a" * 64 + "@" + ".".join(["d" * 60] * 4),
    ],
)
def test_what_mail_cannot_be_sent_to_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        normalise_email(address)


def is_visible(text: str) -> bool:
    try:
        refuse_invisible(text)
    except ValueError:
        return False
    return True


@given(
    st.from_regex(
        r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~ \"-]{1,70}@[A-Za-z0-9.-]{1,40}\.com", fullmatch=True
    )
    | st.builds("{}@example.com".format, st.text(max_size=15))
    | st.builds(
        "{}@{}.{}".format,
        st.text("a.é", max_size=3),
        st.text("aB.-", min_size=1, max_size=8),
        st.sampled_from(["de", "test", "local"]),
    )
)
@settings(max_examples=500)
@example("\u0301a@x.com")
@example("a.b@x.com")
@example("A.B@X.com")
@example("a." + "b" * 62 + "@x.com")
@example("a@x--y.com")
@example("a@localhost.com")
def test_the_short_way_agrees_with_the_library(address: str) -> None:
    address = address.strip()
    assume(is_visible(address))
    try:
        judged = validate_email(
            address, check_deliverability=False, strict=True, test_environment=True
        )
    except EmailNotValidError:
        with pytest.raises(ValueError, match="must"):
            normalise_email(address)
    else:
        assert (
            normalise_email(address)
            == f"{normalize('NFC', judged.local_part.lower())}@{judged.ascii_domain}"
        )


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("+12025550100", "+12025550100"),
        ("+1 (202) 555-0100", "+12025550100"),
        ("+1 202.555.0100", "+12025550100"),
        ("(+351) 210 000 001", "+351210000001"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("+49 30/123456", "+4930123456"),
        ("+39 06 1234 5678", "+390612345678"),
        ("＋１２０２５５５０１００", "+12025550100"),
        ("+800 1234 5678", "+80012345678"),
    ],
)
def test_phone_numbers_in_usual_notations_are_kept_as_e164(given_: str, kept: str) -> None:
    assert normalise_phone(given_) == kept
    assert normalise_phone(kept) == kept


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("", "country code"),
        ("202 555 0100", "country code"),
        ("+999 123 4567", "country code"),
        ("+", "country code"),
        ("+1-800-FLOWERS", "such as"),
        ("call +12025550100", "such as"),
        ("+12025550100 ext. 5", "such as"),
        ("+12025550100 / +12025550101", "such as"),
        ("+1 5550100", "too few"),
        ("+1 202 555 01", "too few"),
        ("+1 202 555 0100 22", "too many"),
        ("\u202a+12025550100\u202c", "invisible"),
        ("0012025550100", "country code"),
    ],
)
def test_what_is_no_phone_number_is_refused_with_the_reason(number: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        normalise_phone(number)


def test_a_number_without_country_code_is_read_as_of_the_region_given() -> None:
    assert normalise_phone("210 000 001", "PT") == "+351210000001"
    assert normalise_phone("+1 202 555 0100", "PT") == "+12025550100"


# Countries whose numbers are often possible, and any digits.
_NUMBERS = st.from_regex(r"\+(1202|3519|4475|4915|5511|81|2000)[0-9]{5,9}", fullmatch=True)


@given(_NUMBERS)
@example("+2000430479759")
def test_what_is_kept_of_a_number_is_kept_of_itself(number: str) -> None:
    try:
        kept = normalise_phone(number)
    except ValueError:
        assume(False)
        raise
    assert normalise_phone(kept) == kept


def in_the_long_way(number: str) -> str | None:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if (
        phonenumbers.is_possible_number_with_reason(parsed)
        != phonenumbers.ValidationResult.IS_POSSIBLE
    ):
        return None
    kept = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return kept if kept == number else in_the_long_way(kept)


@given(
    st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    st.from_regex(r"[0-9]{4,14}", fullmatch=True),
)
@settings(max_examples=1000)
@example(1, "12025550100")
@example(54, "91123456789")
@example(39, "0612345678")
def test_numbers_in_e164_are_judged_as_the_library_judges_them(
    country_code: int, national: str
) -> None:
    number = f"+{country_code}{national}"
    try:
        kept = normalise_phone(number)
    except ValueError:
        kept = None
    assert kept == in_the_long_way(number)


@pytest.mark.parametrize(
    ("channel", "given_", "normal"),
    [
        ("email", " Ann@Example.COM ", "ann@example.com"),
        ("sms", "+1 (202) 555-0100", "+12025550100"),
        ("push", " Token ", "Token"),
        ("in_app", " Ann Ünï/ço?de ", "Ann Ünï/ço?de"),
    ],
)
def test_each_channel_has_its_normal_form(channel: str, given_: str, normal: str) -> None:
    assert normalise_address(channel, given_) == normal
    assert normalise_address(channel, normal) == normal


@pytest.mark.parametrize("channel", ["email", "sms", "push", "in_app"])
@pytest.mark.parametrize(
    "text",
    ["", " ", "a\u200bb", "\ufeffa", "a\nb", "a\x85", "a\u2028", "\u3164", "a\U000e0041", "\u2800"],
)
def test_what_is_empty_or_has_what_nobody_sees_is_refused_on_every_channel(
    channel: str, text: str
) -> None:
    with pytest.raises(ValueError, match=r"^(must |is required)"):
        normalise_address(channel, text)


@given(
    st.sampled_from(["email", "sms", "push", "in_app"]),
    st.text(max_size=40) | st.emails() | _NUMBERS,
)
@example("sms", "+2000430479759")
@example("email", "İ@example.com")
def test_the_normal_form_is_its_own(channel: str, text: str) -> None:
    try:
        normal = normalise_address(channel, text)
    except ValueError:
        return
    assert normalise_address(channel, normal) == normal


@pytest.mark.parametrize("dots", [".", "..", " . "])
def test_an_id_that_no_path_can_name_is_refused(dots: str) -> None:
    with pytest.raises(ValueError, match="path"):
        normalise_person_id(dots)


def test_ids_are_trimmed_and_otherwise_as_given() -> None:
    assert [normalise_person_id(each) for each in (" i1 ", "...", "a/b", "É\u0301", "Ann B")] == [
        "i1",
        "...",
        "a/b",
        "É\u0301",
        "Ann B",
    ]


def test_the_address_of_in_app_is_the_person() -> None:
    assert normalise_recipient("in_app", (" c-1", "c-1 ")) == ("c-1", "c-1")
    with pytest.raises(ValueError, match="person_id"):
        normalise_recipient("in_app", ("c-1", "somebody-else"))
    assert normalise_recipient("push", ("c-1", "somebody-else")) == ("c-1", "somebody-else")


def test_a_recipient_in_normal_form_stays_the_same_object() -> None:
    recipient = ("c-1", "ann@example.com")
    assert normalise_recipient("email", recipient) is recipient


def test_every_fault_of_a_recipient_is_named() -> None:
    checks = Checks()
    check_recipient(checks, "sms", ("..", "call me"), "recipients[2].")
    check_recipient(checks, "in_app", ("c-1", "c-2"))
    with pytest.raises(ValidationFailed) as refusal:
        checks.finish()
    assert [each.field for each in refusal.value.violations] == [
        "recipients[2].person_id",
        "recipients[2].recipient",
        "recipient",
    ]


@pytest.mark.parametrize(
    "address", ["carillon@localhost", "news@mail.internal", "news@acme.example"]
)
def test_mail_can_come_from_a_host_without_a_public_name(address: str) -> None:
    assert normalise_sender(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@localhost",
        "a@b@localhost",
        "a b@localhost",
        "a@local host",
        "a@-b",
        "zoë@localhost",
    ],
)
def test_mail_comes_from_mailboxes_alone(address: str) -> None:
    with pytest.raises(ValueError, match="must"):
        normalise_sender(address)


def test_every_bad_field_of_a_person_is_named_and_no_address_is_told() -> None:
    checks = Checks()
    person = NewPerson(
        person_id=".",
        attributes={"a": "\x00"},
        email="secret@nowhere",
        phone="555 0199",
        push_tokens=("", "x", "\u200bx"),
        time_zone="Mars/Olympus",
    )
    check_person(checks, person, "people[3].")
    with pytest.raises(ValidationFailed) as refusal:
        checks.finish()
    named = [violation.field.removeprefix("people[3].") for violation in refusal.value.violations]
    assert sorted(named) == [
        "attributes",
        "email",
        "person_id",
        "phone",
        "push_tokens[0]",
        "push_tokens[2]",
        "time_zone",
    ]
    assert "secret" not in str(refusal.value.violations)
    assert "0199" not in str(refusal.value.violations)
