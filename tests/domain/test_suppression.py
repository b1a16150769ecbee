"""What suppressions hold back, and the tokens of unsubscribe links."""

from __future__ import annotations

import base64
from dataclasses import astuple, replace

from hypothesis import given
from hypothesis import strategies as st

from server.domain.contacts.recipients import classify_recipients
from server.domain.contacts.unsubscribe import LinkedContact, UnsubscribeLinks
from storage.model.audiences import SkipReason
from storage.model.messages import Purpose
from storage.model.suppressions import STRENGTH

LINKS = UnsubscribeLinks([b"k" * 32], "https://mail.example.com/x")
CONTACT = LinkedContact("acme", "ann-1", "email", "marketing", "ann@example.com")


def test_messages_of_sends_are_marketing_and_one_offs_transactional() -> None:
    assert Purpose.of("send-1") is Purpose.MARKETING
    assert Purpose.of(None) is Purpose.TRANSACTIONAL


def test_strength_is_in_the_order_unsubscribe_manual_hard_bounce_complaint() -> None:
    assert sorted(STRENGTH, key=STRENGTH.__getitem__) == [
        "unsubscribe",
        "manual",
        "hard_bounce",
        "complaint",
    ]


def test_a_suppressed_recipient_is_skipped_after_what_is_wrong_with_the_request() -> None:
    given_ = [
        ("a", "ann@example.com"),
        ("a", "Ann@example.com"),
        ("b", "ann@EXAMPLE.com"),
        ("", "ann@example.com"),
        ("c", "c@example.com"),
    ]
    reasons = (
        classify_recipients(["email"], given_, allow_shared_addresses=True)
        .without(
            {
                ("a", "ann@example.com"): SkipReason.SUPPRESSED,
                ("b", "ann@example.com"): SkipReason.NO_CONSENT,
            }
        )
        .skips
    )
    assert reasons == ["suppressed", "duplicate", "no_consent", "invalid_recipient", None]


def test_a_link_is_the_public_url_and_a_token_that_says_nothing() -> None:
    link = LINKS.link(CONTACT)
    assert link == LINKS.link(CONTACT)
    prefix, _, token = link.rpartition("/")
    assert prefix == "https://mail.example.com/x/v1/unsubscribe"
    octets = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert not any(part.encode() in octets for part in astuple(CONTACT))
    assert len(token) < 120


def test_a_token_gives_its_contact_and_no_other_key_makes_one() -> None:
    assert LINKS.contact(LINKS.token(CONTACT)) == CONTACT
    assert LINKS.token(replace(CONTACT, category="news")) != LINKS.token(CONTACT)
    other = UnsubscribeLinks([b"o" * 32], "https://mail.example.com")
    assert LINKS.contact(other.token(CONTACT)) is None


@given(st.data())
def test_no_changed_token_is_accepted(data: st.DataObject) -> None:
    token = LINKS.token(CONTACT)
    octets = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    assert LINKS.contact(base64.urlsafe_b64encode(octets).decode().rstrip("=")) is None


@given(st.text(max_size=100))
def test_anything_else_is_no_token(token: str) -> None:
    assert LINKS.contact(token) is None
