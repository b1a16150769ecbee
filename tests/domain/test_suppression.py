"""What suppressions hold back, and the tokens of unsubscribe links."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from server.domain.contacts.recipients import classify_recipients
from server.domain.contacts.unsubscribe import UnsubscribeLinks
from storage.model.audiences import SkipReason
from storage.model.messages import Purpose
from storage.model.suppressions import STRENGTH

LINKS = UnsubscribeLinks(b"k" * 32, "https://mail.example.com/x")
MESSAGE = "01994d3c-7f0a-7d27-b1a8-0f1f4a1f2a3b"


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
        classify_recipients("email", given_, allow_shared_addresses=True)
        .without(
            {
                ("a", "ann@example.com"): SkipReason.SUPPRESSED,
                ("b", "ann@example.com"): SkipReason.NO_CONSENT,
            }
        )
        .skips
    )
    assert reasons == ["suppressed", "duplicate", "no_consent", "invalid_recipient", None]


def test_a_link_is_the_public_url_and_a_token_without_brand_or_address() -> None:
    link = LINKS.link(MESSAGE)
    assert link == LINKS.link(MESSAGE)
    prefix, _, token = link.rpartition("/")
    assert prefix == "https://mail.example.com/x/v1/unsubscribe"
    assert base64.urlsafe_b64decode(token + "==")[16:] == MESSAGE.encode()
    assert len(token) < 80


def test_a_token_gives_its_message_and_no_other_key_makes_one() -> None:
    assert LINKS.message_id(LINKS.token(MESSAGE)) == MESSAGE
    other = UnsubscribeLinks(b"o" * 32, "https://mail.example.com")
    assert LINKS.message_id(other.token(MESSAGE)) is None


@given(st.data())
def test_no_changed_token_is_accepted(data: st.DataObject) -> None:
    octets = bytearray(base64.urlsafe_b64decode(LINKS.token(MESSAGE) + "=="))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    assert LINKS.message_id(base64.urlsafe_b64encode(octets).decode().rstrip("=")) is None


@given(st.text(max_size=100))
def test_anything_else_is_no_token(token: str) -> None:
    assert LINKS.message_id(token) is None
