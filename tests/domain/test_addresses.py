"""In which form addresses are kept, and which are refused."""

from __future__ import annotations

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from server.domain.addresses import normalise_address, normalise_email, normalise_phone
from server.domain.errors import ValidationFailed
from server.domain.person import NewPerson, check_person
from server.domain.validation import Checks


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("Ann.B+news@Example.COM", "Ann.B+news@example.com"),
        ("  ann@example.com\t", "ann@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
        ("ann@straße.de", "ann@xn--strae-oqa.de"),
        ("josé@example.com", "josé@example.com"),
        ("ann@inbox.test", "ann@inbox.test"),
    ],
)
def test_of_a_mail_address_the_domain_is_kept_in_lower_case_ascii_and_the_rest_as_given(given_: str, kept: str) -> None:
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


@given(st.from_regex(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~ \"-]{1,70}@[A-Za-z0-9.-]{1,40}\.com", fullmatch=True))
@example("a.b@x.com")
@example("a." + "b" * 62 + "@x.com")
def test_the_short_way_agrees_with_the_library(address: str) -> None:
    address = address.strip()
    try:
        judged = validate_email(address, check_deliverability=False, strict=True, test_environment=True)
    except EmailNotValidError:
        with pytest.raises(ValueError, match="must"):
            normalise_email(address)
    else:
        assert normalise_email(address) == judged.ascii_email


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
def test_what_is_kept_of_a_number_is_what_suppressions_compare(number: str) -> None:
    try:
        kept = normalise_phone(number)
    except ValueError:
        assume(False)
        raise
    assert normalise_phone(kept) == kept
    assert normalise_address("sms", kept) == kept
    assert normalise_address("sms", number) == kept


def in_the_long_way(number: str) -> str | None:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    kept = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return kept if kept == number else in_the_long_way(kept)


@given(st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)), st.from_regex(r"[0-9]{4,14}", fullmatch=True))
@settings(max_examples=1000)
@example(1, "12025550100")
@example(54, "91123456789")
@example(39, "0612345678")
def test_numbers_in_e164_are_judged_as_the_library_judges_them(country_code: int, national: str) -> None:
    number = f"+{country_code}{national}"
    try:
        kept = normalise_phone(number)
    except ValueError:
        kept = None
    assert kept == in_the_long_way(number)


@given(st.text(max_size=20) | _NUMBERS)
@example("+2000430479759")
def test_the_key_of_a_number_is_its_own_key(number: str) -> None:
    key = normalise_address("sms", number)
    assert normalise_address("sms", key) == key


@pytest.mark.parametrize("address", ["ANN@Example.com", "ann@BÜCHER.example", "josé@Example.com", " Ann@xn--bcher-kva.example"])
def test_what_is_kept_of_a_mail_address_has_the_key_of_what_was_given(address: str) -> None:
    key = normalise_address("email", address)
    assert normalise_address("email", normalise_email(address)) == key
    assert normalise_address("email", key) == key


def test_every_bad_field_of_a_person_is_named_and_no_address_is_told() -> None:
    checks = Checks()
    person = NewPerson(
        person_id="",
        attributes={"a": "\x00"},
        email="secret@nowhere",
        phone="555 0199",
        push_tokens=("", "x" * 513),
        locale="english!",
        time_zone="Mars/Olympus",
    )
    check_person(checks, person, "people[3].")
    with pytest.raises(ValidationFailed) as refusal:
        checks.finish()
    named = [violation.field.removeprefix("people[3].") for violation in refusal.value.violations]
    assert sorted(named) == ["attributes", "email", "locale", "person_id", "phone", "push_tokens[0]", "push_tokens[1]", "time_zone"]
    assert "secret" not in str(refusal.value.violations)
    assert "0199" not in str(refusal.value.violations)
