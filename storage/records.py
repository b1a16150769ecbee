"""The rows as the rest of the code sees them. Instants are aware and in UTC; `dict` fields are JSON objects and never changed in place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, dataclass_transform

from server.domain.lifecycle import CampaignStatus, MessageStatus, SendStatus
from server.domain.suppression import SuppressionReason
from server.domain.template_variables import TemplateVariable
from server.domain.template_variants import TemplateVariant

JsonObject = dict[str, object]
T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def _made_often(cls: type[T]) -> type[T]:
    """A record that only the type checker keeps from being changed: kept by Python itself, it takes two and a half times as long to make,
    and of these there are several for each message."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """The definition of a campaign and where it is in its life."""

    id: str
    brand_id: str
    face: str
    """`comms` or `messaging`: which face made it, and so how its audience is given. The other face does not show it."""
    name: str
    description: str | None
    subject: str | None
    channel: str
    template_key: str
    segment_id: str | None
    """Set in messaging."""
    segment_criteria: JsonObject | None
    """Set in comms."""
    variables: JsonObject
    status: CampaignStatus
    scheduled_at: datetime | None
    published_at: datetime | None
    sent_at: datetime | None
    cancelled_at: datetime | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    template_revision: int | None = None
    """The revision it was scheduled with, and will send; None while it is not scheduled."""
    expire_at: datetime | None = None
    """When the messages of its scheduled send are stale; None: never."""
    allow_shared_addresses: bool = False
    """Whether people with one address each get a message at it; else the first of them does, and the others are skipped as duplicates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """How many messages of a send are in each status. `total` is always the sum of the others; `pending` counts leased rows too."""

    total: int = 0
    pending: int = 0
    in_flight: int = 0
    sent: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0
    expired: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One run of a campaign: a snapshot of its content and audience, and what became of it."""

    id: str
    campaign_id: str
    brand_id: str
    status: SendStatus
    channel: str
    template_key: str
    template_revision: int
    subject: str | None
    """The campaign's own subject, before the template's; None: the template's."""
    variables: JsonObject
    criteria: JsonObject | None
    """Whom to resolve; None when the recipients were given."""
    audience_cursor: str | None
    """The last person resolved; committed with their message."""
    audience_done: bool
    """No message will be added any more."""
    counters: Counters = field(default_factory=Counters)
    started_at: datetime | None
    completed_at: datetime | None
    created_by: str
    created_at: datetime
    paused_at: datetime | None = None
    """Since when its messages are not claimed; None: they are."""
    expire_at: datetime | None = None
    """When its messages are stale; None: never."""
    parent_send_id: str | None = None
    """The ended send whose failed messages are its audience; None for any other send."""
    retries_unknown: bool = False
    """Whether the parent's messages of unknown outcome are of its audience too."""
    pruned: bool = False
    """Messages of it have left by retention: its counters tell of more rows than there are."""
    allow_shared_addresses: bool = False
    """As the campaign had it when the send started."""

    def message(self, message_id: str, person_id: str, recipient: str, skip_reason: str | None, now: datetime) -> Message:
        """The row of one recipient of this send: due at once, or skipped for a reason."""
        return Message(
            id=message_id,
            brand_id=self.brand_id,
            person_id=person_id,
            channel=self.channel,
            template_key=self.template_key,
            template_revision=self.template_revision,
            recipient=recipient,
            send_id=self.id,
            status=MessageStatus.PENDING if skip_reason is None else MessageStatus.SKIPPED,
            failure_reason=skip_reason,
            scheduled_at=now,
            due_at=now,
            expire_at=self.expire_at,
            created_at=now,
        )


@_made_often
class Message:
    """One message to one person on one channel: a one-off (no `send_id`) or one of a send."""

    id: str
    brand_id: str
    person_id: str
    channel: str
    template_key: str
    template_revision: int
    recipient: str
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
    """When it was first marked sending, since an operator last had it resent: from then on a provider may know its id as a key."""
    in_doubt: bool = False
    """Some call for it had no known outcome and was followed by another: it can end as sent or unknown, but not as failed."""
    retried_in: str | None = None
    """The send that retries it; None: none does."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Pending messages that are claimed in one order: the one-offs of a brand on a channel, or the messages of one send."""

    channel: str
    brand_id: str
    send_id: str | None
    """None: one-offs."""
    next_due: datetime
    """The earliest `due_at` among them when it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCounts:
    """What a cancellation found, of all the sends it was about."""

    sent: int = 0
    in_flight: int = 0
    """Marked sending when it committed."""
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message whose outcome is unknown, and the last call made for it, if one is recorded."""

    message: Message
    attempt: Attempt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """Which messages of a brand to list; None matches all. PENDING matches LEASED too."""

    person_id: str | None = None
    send_id: str | None = None
    status: MessageStatus | None = None
    dedup_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """How many messages of a send share a status and a reason. Leased rows are counted as pending."""

    status: MessageStatus
    reason: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """Who had a one-off accepted: what the audit log would say, kept in the message's row."""

    by: str
    request_id: str | None = None


@_made_often
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


@_made_often
class InboxItem:
    """An in_app message as the person's client reads it."""

    message_id: str
    brand_id: str
    person_id: str
    subject: str | None
    body: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """A leased row that is about to be given to its provider."""

    message_id: str
    lease: int


@_made_often
class Settlement:
    """What became of a row this worker holds. Takes effect only while the row still has `lease` and is in `expected`."""

    message_id: str
    lease: int
    expected: MessageStatus
    """LEASED: no provider was called (render failure, release, in_app). SENDING: one was."""
    status: MessageStatus
    """SENT, FAILED, SKIPPED, EXPIRED, UNKNOWN, or PENDING: try again, at `due_at`."""
    reason: str | None = None
    due_at: datetime | None = None
    """When to try again; None leaves it."""
    attempt: Attempt | None = None
    """Kept whatever becomes of the row."""
    resent_by_policy: bool = False
    """PENDING after a call of unknown outcome, only because the brand wants it: an entry in the audit log says so if it takes effect."""
    inbox_item: InboxItem | None = None
    """Written if the settlement takes effect, in the same transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What recovery found."""

    released: int
    """Leased rows that went back to pending."""
    in_doubt: int
    """Rows marked sending that became unknown."""
    resent: int = 0
    """Rows marked sending that went back to pending, since a repeat does no harm or the brand wants it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One immutable revision of a template."""

    brand_id: str
    channel: str
    template_key: str
    revision: int
    subject: str | None
    body: str
    html: str | None
    variables: tuple[TemplateVariable, ...] = ()
    variables_inferred: bool = True
    """Whether the variables were found in the texts; otherwise they were given with them."""
    variants: tuple[TemplateVariant, ...] = ()
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be reached."""

    brand_id: str
    person_id: str
    attributes: JsonObject
    email: str | None
    phone: str | None
    push_tokens: tuple[str, ...]
    locale: str | None
    time_zone: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AudienceMember:
    """A person of an audience and where to reach them."""

    person_id: str
    address: str
    """Empty if they have none on the channel."""
    skip_reason: str | None
    """Why they get no message: `no_address` or `suppressed`; None if they get one."""


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """How many people of an audience share a `skip_reason`, and how many addresses they have."""

    skip_reason: str | None
    people: int
    addresses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named set of people."""

    id: str
    brand_id: str
    name: str
    criteria: JsonObject
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that must not be contacted; one per brand, channel and address."""

    id: str
    brand_id: str
    channel: str
    address: str
    """As `normalise_address` writes it, which is how it is compared."""
    reason: SuppressionReason
    source: str
    created_at: datetime
    """When it was first suppressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """The first answer to a request that carried an idempotency key."""

    scope: str
    key: str
    fingerprint: str
    response: bytes
    created_at: datetime
