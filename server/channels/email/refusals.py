"""Judges a mail server's refusal: whether it is about the message and its recipient, or about us
and the server itself.

A message fails for good only when it was judged itself. Who we are, whether we have logged in, what
we may send from and whether the server works at all is a state that somebody will put right: until
then messages are kept and the circuit opens.
"""

from __future__ import annotations

import enum
import re

from server.channels.provider import Delivery, Outcome
from server.domain.delivery.retry import ErrorClass

CLOSING = 421
_TOO_LARGE = 552
_AUTHENTICATION = frozenset({530, 534, 535, 538})
"""Log in first, and better than you did (RFC 4954 section 6)."""
_OUT_OF_ORDER = 503
_NO_MAIL_HERE = 521
"""The host takes no mail from anybody (RFC 7504)."""
_ENHANCED = re.compile(r"5\.(\d{1,3})\.(\d{1,3})(?!\d)")
"""RFC 3463; the registry is RFC 5248's."""
_SENDER_ADDRESS = frozenset({"7", "8"})
"""5.1.7 and 5.1.8: the sender's mailbox, the sender's domain."""
_MESSAGE_TOO_BIG = ("3", "4")
_ADDRESS_NEEDS_UTF8 = ("6", "7")
_SENDER_AUTHENTICATION = frozenset(
    {"8", "9", "11", "13", "14", *(str(detail) for detail in range(20, 28))}
)
"""Of 5.7: credentials, mechanism, account and trust (RFC 5248), DKIM, SPF, reverse DNS, null MX
(RFC 7372, RFC 7505)."""
_ABOUT_US = re.compile(
    r"relay|client|sender|helo|authenticat|authoriz|blocked using|black ?list|block "
    r"?list|\b(?:spf|dkim|dmarc)\b",
    re.IGNORECASE,
)
"""Words of servers that say nothing clearer. Postfix judges client, HELO and sender only at RCPT
(`smtpd_delay_reject`)."""
_ADDRESS = re.compile(r"<[^<>]*>|\S+@\S+")
"""What a server quotes is not what it says."""
_ABOUT_THE_RECIPIENT = re.compile(r"recipient|mailbox|user", re.IGNORECASE)
_POLICY = re.compile(r"4\.7\.\d{1,3}(?!\d)")
"""The enhanced status with which servers say that too much came (RFC 3463 section 3.8: security or
policy)."""
_GREYLISTED = re.compile(r"gr[ae]y[- ]?list", re.IGNORECASE)
"""Also a policy, but of one recipient: it says nothing about the next."""


class SmtpStage(enum.Enum):
    """What the server had heard of a message when it refused."""

    SENDER = "sender"
    """No more than who sends it, and how large it is."""
    RECIPIENT = "recipient"
    CONTENT = "content"


def refusal(code: int, text: str, stage: SmtpStage) -> Delivery:
    """A reply that is not the one hoped for. Only 5xx is for ever (RFC 5321 section 4.2.1), and
    only if the message is meant."""
    if 500 <= code <= 599:
        about_us = _is_about_us(code, text, stage)
        return Delivery(
            Outcome.REJECTED, f"smtp_{code}", ErrorClass.UNREACHABLE if about_us else None
        )
    if not 400 <= code <= 499:
        return Delivery(Outcome.REJECTED, "smtp_protocol_error", ErrorClass.DEFERRED)
    return Delivery(Outcome.REJECTED, f"smtp_{code}", _class_of_delay(code, text, stage))


def _class_of_delay(code: int, text: str, stage: SmtpStage) -> ErrorClass:
    if code == CLOSING or (_POLICY.match(text) and not _GREYLISTED.search(text)):
        return ErrorClass.THROTTLED
    return ErrorClass.UNREACHABLE if stage is SmtpStage.SENDER else ErrorClass.DEFERRED


def _is_about_us(code: int, text: str, stage: SmtpStage) -> bool:
    enhanced = _ENHANCED.match(text)
    status = (enhanced[1], enhanced[2]) if enhanced else None
    if code == _TOO_LARGE or status in (_MESSAGE_TOO_BIG, _ADDRESS_NEEDS_UTF8):
        return False
    if (
        stage is SmtpStage.SENDER
        or code in _AUTHENTICATION
        or code in (_OUT_OF_ORDER, _NO_MAIL_HERE)
    ):
        return True
    subject, detail = status or (None, None)
    if subject == "1":
        return detail in _SENDER_ADDRESS
    if subject == "3":
        return True
    if subject == "7" and detail in _SENDER_AUTHENTICATION:
        return True
    return (
        stage is SmtpStage.RECIPIENT
        and subject in (None, "5", "7")
        and _means_us(text, is_policy=subject == "7")
    )


def _means_us(text: str, *, is_policy: bool) -> bool:
    """By the server's words. A policy before the message was seen means us, unless it says that it
    means the recipient."""
    words = _ADDRESS.sub("", text)
    return bool(_ABOUT_US.search(words)) or (is_policy and not _ABOUT_THE_RECIPIENT.search(words))
