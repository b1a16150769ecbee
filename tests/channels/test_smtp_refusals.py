"""Whether a mail server refused the message, or us: only the first fails a message for good."""

from __future__ import annotations

import pytest

from server.channels.email.refusals import SmtpStage, refusal
from server.channels.provider import Delivery, Outcome
from server.domain.delivery.retry import ErrorClass

SENDER, RECIPIENT, CONTENT = SmtpStage.SENDER, SmtpStage.RECIPIENT, SmtpStage.CONTENT


@pytest.mark.parametrize(
    ("stage", "code", "text"),
    [
        (SENDER, 530, "5.7.0 authentication required"),
        (SENDER, 550, "5.7.1 not allowed to send as this address"),
        (SENDER, 550, "5.1.8 sender domain does not exist"),
        (SENDER, 553, "5.7.1 <news@acme.example>: Sender address rejected: not owned by user"),
        (SENDER, 553, "no"),
        (SENDER, 554, "5.5.0 too many errors"),
        (SENDER, 501, "5.1.7 bad sender address syntax"),
        (SENDER, 555, "parameters not recognised"),
        (RECIPIENT, 530, "Authentication required"),
        (RECIPIENT, 535, "5.7.8 bad credentials"),
        (RECIPIENT, 554, "5.7.1 <ada@example.com>: Relay access denied"),
        (RECIPIENT, 550, "5.7.1 Unable to relay for recipient in non-accepted domain"),
        (RECIPIENT, 550, "relaying denied"),
        (RECIPIENT, 554, "5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied"),
        (
            RECIPIENT,
            554,
            "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example.org",
        ),
        (RECIPIENT, 504, "5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname"),
        (RECIPIENT, 550, "5.1.8 <news@acme.example>: Sender address rejected: Domain not found"),
        (RECIPIENT, 550, "5.7.23 SPF validation failed"),
        (RECIPIENT, 550, "5.7.0 no"),
        (RECIPIENT, 554, "5.3.2 system not accepting network messages"),
        (RECIPIENT, 503, "5.5.1 need MAIL command"),
        (RECIPIENT, 521, "this host takes no mail"),
        (CONTENT, 530, "5.7.0 must issue a STARTTLS command first"),
        (CONTENT, 550, "5.7.26 unauthenticated email is not accepted"),
        (CONTENT, 554, "5.3.5 system incorrectly configured"),
    ],
)
def test_what_is_said_of_us_or_of_the_server_keeps_the_message(
    stage: SmtpStage, code: int, text: str
) -> None:
    assert refusal(code, text, stage) == Delivery(
        Outcome.REJECTED, f"smtp_{code}", ErrorClass.UNREACHABLE
    )


@pytest.mark.parametrize(
    ("stage", "code", "text"),
    [
        (SENDER, 552, "5.3.4 message size exceeds fixed limit"),
        (SENDER, 552, "too large"),
        (SENDER, 550, "5.6.7 non-ASCII addresses not permitted"),
        (RECIPIENT, 550, "no such user ada@example.com"),
        (RECIPIENT, 550, "no such user <sender@relay.example.com> or relay@example.com"),
        (RECIPIENT, 550, "5.1.1 <ada@example.com>: Recipient address rejected: User unknown"),
        (RECIPIENT, 553, "5.1.3 bad recipient address syntax"),
        (RECIPIENT, 550, "5.2.1 mailbox disabled"),
        (RECIPIENT, 552, "5.2.2 mailbox full"),
        (RECIPIENT, 550, "5.4.1 Recipient address rejected: Access denied"),
        (RECIPIENT, 556, "5.1.10 domain does not accept mail"),
        (RECIPIENT, 554, "5.7.1 <ada@example.com>: Recipient address rejected: Access denied"),
        (RECIPIENT, 550, "5.7.17 mailbox owner has changed"),
        (RECIPIENT, 554, "no"),
        (CONTENT, 554, "spam from ada@example.com"),
        (CONTENT, 554, "5.7.1 message content rejected"),
        (CONTENT, 550, "5.6.0 malformed"),
        (CONTENT, 552, "5.3.4 message too big"),
    ],
)
def test_what_is_said_of_the_message_or_its_recipient_is_for_good(
    stage: SmtpStage, code: int, text: str
) -> None:
    assert refusal(code, text, stage) == Delivery(Outcome.REJECTED, f"smtp_{code}")


@pytest.mark.parametrize(
    ("stage", "code", "text", "error"),
    [
        (SENDER, 451, "4.3.0 local error", ErrorClass.UNREACHABLE),
        (SENDER, 450, "4.1.8 sender domain not found", ErrorClass.UNREACHABLE),
        (SENDER, 454, "4.7.0 temporary authentication failure", ErrorClass.THROTTLED),
        (RECIPIENT, 450, "4.2.0 greylisted", ErrorClass.DEFERRED),
        (RECIPIENT, 450, "4.7.1 greylisted", ErrorClass.DEFERRED),
        (RECIPIENT, 451, "4.7.1 too much", ErrorClass.THROTTLED),
        (CONTENT, 421, "closing", ErrorClass.THROTTLED),
        (CONTENT, 452, "full", ErrorClass.DEFERRED),
    ],
)
def test_a_4xx_is_tried_again_and_says_whose_delay_it_is(
    stage: SmtpStage, code: int, text: str, error: ErrorClass
) -> None:
    assert refusal(code, text, stage) == Delivery(Outcome.REJECTED, f"smtp_{code}", error)
