"""Signatures of webhooks: the vector of Standard Webhooks, and what is nearly good."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from server.domain.errors import WebhookUnverified
from server.domain.webhook_signatures import CLOCK_SKEW, WebhookSignature

# The example of the specification's own libraries.
SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
BODY = b'{"test": 2432232314}'
GOOD = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SENT = datetime.fromtimestamp(1614265330, UTC)
OTHER = bytes(24)


def signature(signatures: str = GOOD, **more: str) -> WebhookSignature:
    return WebhookSignature(
        **{"id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "timestamp": "1614265330", **more},
        signatures=signatures,
    )


@pytest.mark.parametrize(
    ("signatures", "secrets"),
    [
        (GOOD, [SECRET]),
        (GOOD, [OTHER, SECRET]),
        (f"v1,{'A' * 43}= {GOOD}", [SECRET]),
        (f"v1a,{GOOD[3:]} {GOOD} v2,x", [SECRET, OTHER]),
    ],
)
def test_one_good_signature_by_one_of_the_secrets_is_enough(
    signatures: str, secrets: list[bytes]
) -> None:
    signature(signatures).require_signed(BODY, secrets)


@pytest.mark.parametrize(
    ("signed", "body", "secrets"),
    [
        (signature(), BODY, [OTHER]),
        (signature(), BODY, []),
        (signature(), BODY + b" ", [SECRET]),
        (signature(id="msg_other"), BODY, [SECRET]),
        (signature(timestamp="1614265331"), BODY, [SECRET]),
        (signature(GOOD[3:]), BODY, [SECRET]),
        (signature(f"v2,{GOOD[3:]}"), BODY, [SECRET]),
        (signature(GOOD[:-1]), BODY, [SECRET]),
        (signature("v1,"), BODY, [SECRET]),
        (signature("v1,ü"), BODY, [SECRET]),
        (signature(""), BODY, [SECRET]),
    ],
)
def test_what_is_signed_is_the_id_the_time_and_the_body_by_the_secret(
    signed: WebhookSignature, body: bytes, secrets: list[bytes]
) -> None:
    with pytest.raises(WebhookUnverified):
        signed.require_signed(body, secrets)


@pytest.mark.parametrize("ahead", [-CLOCK_SKEW, timedelta(), CLOCK_SKEW])
def test_it_is_good_for_five_minutes_either_way(ahead: timedelta) -> None:
    signature().require_fresh(SENT + ahead)


@pytest.mark.parametrize(
    ("signed", "now"),
    [
        (signature(), SENT + CLOCK_SKEW + timedelta(milliseconds=1)),
        (signature(), SENT - CLOCK_SKEW - timedelta(milliseconds=1)),
        (signature(timestamp="1614265330.0"), SENT),
        (signature(timestamp="-1"), SENT),
        (signature(timestamp=""), SENT),
        (signature(timestamp="1" * 400), SENT),
        (signature(timestamp="１６１４２６５３３０"), SENT),
        (signature(id=""), SENT),
        (signature(id="msg.1"), SENT),
        (signature(id="msg 1"), SENT),
        (signature(id="m" * 257), SENT),
    ],
)
def test_an_old_one_and_one_whose_parts_could_be_read_otherwise_are_refused(
    signed: WebhookSignature, now: datetime
) -> None:
    with pytest.raises(WebhookUnverified):
        signed.require_fresh(now)
