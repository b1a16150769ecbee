"""Messages and their attempts: what is kept of each, and the statuses it goes through."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from storage.model.values import JsonObject, made_often


class Purpose(StrEnum):
    """What a message is for, in the eyes of the person who gets it."""

    TRANSACTIONAL = "transactional"
    """A one-off: the answer to something the person did, such as a receipt or a password reset.
    None waits for a campaign."""
    MARKETING = "marketing"
    """A message of a send, or of an enrollment."""

    @classmethod
    def of(cls, send_id: str | None, enrollment_id: str | None = None) -> Purpose:
        """The purpose of a message of this send or enrollment; None: of a one-off."""
        one_off = send_id is None and enrollment_id is None
        return cls.TRANSACTIONAL if one_off else cls.MARKETING


class MessageStatus(StrEnum):
    """Where a message is in its life. LEASED is pending to everybody but the dispatcher: provably
    not sent."""

    PENDING = "pending"
    LEASED = "leased"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


NO_TEMPLATE = ""
"""In place of a template's key."""
UNSTARTED = frozenset({MessageStatus.PENDING, MessageStatus.LEASED})
"""No provider is being called for a message in these."""


class Resolution(StrEnum):
    """What an operator decided about a message whose outcome is unknown."""

    SENT = "sent"
    FAILED = "failed"
    RESEND = "resend"


class Accepted(NamedTuple):
    """Who had a one-off accepted: what the audit log would say, kept in the message's row."""

    accepted_by: str
    request_id: str | None = None


@made_often
class Message:
    """One message to one person on one channel: one of a send, one of an enrollment, or a one-off
    (no `send_id` and no `enrollment_id`)."""

    id: str
    brand_id: str
    person_id: str
    channel: str
    template_key: str
    """NO_TEMPLATE: it says what its `LiteralContent` says."""
    template_revision: int
    """That of a step may be CURRENT_REVISION until it is first claimed."""
    recipient: str
    """That of a step may be OWN_ADDRESS until it is first claimed, and stays so for somebody who
    has none."""
    send_id: str | None = None
    dedup_key: str | None = None
    fingerprint: str | None = None
    """Of the request that made it; tells the same request under a dedup_key from another."""
    variables: JsonObject = field(default_factory=dict)
    """The message's own; a send's are in the send."""
    hipaa: bool = False
    status: MessageStatus = MessageStatus.PENDING
    scheduled_at: datetime
    """When it was asked to go out; never moves."""
    due_at: datetime
    """When it may next be claimed."""
    lease: int = 0
    """Grows with every claim and never otherwise; the fence of every later write."""
    attempts: int = 0
    """Provider calls that have started."""
    sent_at: datetime | None = None
    cancelled_at: datetime | None = None
    failure_reason: str | None = None
    created_at: datetime
    expire_at: datetime | None = None
    """When it is stale: it is not marked sending at or after this instant. None: never."""
    first_sending_at: datetime | None = None
    """When it was first marked sending, since an operator last had it resent: from then on a
    provider may know its id as a key."""
    in_doubt: bool = False
    """Some call for it had no known outcome and was followed by another: it can end as sent or
    unknown, but not as failed."""
    retried_in: str | None = None
    """The send that retries it; None: none does."""
    enrollment_id: str | None = None
    step: int | None = None
    """Position of the step of the enrollment."""

    @property
    def is_literal(self) -> bool:
        """Whether it is made of no template, and goes out as it was given."""
        return self.template_key == NO_TEMPLATE

    @property
    def may_be_test(self) -> bool:
        """Whether it may try out a campaign, and be one of `Campaigns.find_tests`. The only others
        without a send, an enrollment, a dedup key and literal content are those to the further
        browsers of a person."""
        of_a_program = self.send_id is not None or self.enrollment_id is not None
        return not (of_a_program or self.dedup_key is not None or self.is_literal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What is known of the way of a message beside its record."""

    accepted_by: str | None
    """Who had a one-off accepted; None for a message of a send, and for those of before that was
    kept."""
    claimed_at: datetime | None
    """When a worker last took it; None before one did, and of before that was kept."""
    provider: str | None
    """The provider of its last mark, also if it was given back without a call."""
    sending_at: datetime | None
    """When it was last marked sending."""


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message whose outcome is unknown, and the last call made for it, if one is recorded."""

    message: Message
    attempt: Attempt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """Which messages of a brand to list; None matches all. PENDING matches LEASED too."""

    person_id: str | None = None
    recipients: tuple[str, ...] | None = None
    """One address in the forms that it may be kept in."""
    campaign_id: str | None = None
    """Those of the campaign's sends."""
    send_id: str | None = None
    one_off: bool | None = None
    """True: those of no send."""
    channel: str | None = None
    status: MessageStatus | None = None
    reason: str | None = None
    """Their `failure_reason`."""
    dedup_key: str | None = None
    created_after: datetime | None = None
    """The earliest `created_at`."""
    created_before: datetime | None = None
    """The first `created_at` that is too late."""


@made_often
class Attempt:
    """One provider call for one message. Never changed once written."""

    id: str
    message_id: str
    number: int
    lease: int
    provider: str
    started_at: datetime
    finished_at: datetime
    outcome: str
    """accepted, rejected or ambiguous."""
    reason: str | None
    provider_message_id: str | None
