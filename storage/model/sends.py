"""Sends: one run of a campaign each, with its counters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from storage.model.messages import UNSTARTED, Message, MessageStatus
from storage.model.programs import Enrollment, Step
from storage.model.values import JsonObject


class SendStatus(StrEnum):
    """Where a send is in its life."""

    SENDING = "sending"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """How many messages of a send are in each status. `total` is always the sum of the others;
    `pending` counts leased rows too."""

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
class Recipients:
    """What became of the recipients of a send, each counted once whatever messages they get."""

    pending: int = 0
    sent: int = 0
    failed: int = 0
    """Or of unknown outcome."""
    skipped: int = 0
    """For whatever reason nothing was sent to them."""

    @property
    def total(self) -> int:
        return self.pending + self.sent + self.failed + self.skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReceipt:
    """How far a send, or all sends of one cancellation, had come when it was cancelled."""

    sent: int = 0
    in_flight: int = 0
    """Marked sending when the cancellation was committed."""
    cancelled: int = 0

    def __add__(self, other: CancelReceipt) -> CancelReceipt:
        return CancelReceipt(
            sent=self.sent + other.sent,
            in_flight=self.in_flight + other.in_flight,
            cancelled=self.cancelled + other.cancelled,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One run of a campaign: a snapshot of its content and audience, and what became of it."""

    id: str
    campaign_id: str
    brand_id: str
    status: SendStatus
    channel: str
    """With the two below, of the first step."""
    template_key: str
    template_revision: int
    """Of messages that no call was begun for: one that is paused can be given a newer revision."""
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
    enrolls: bool = False
    """Whether everybody it goes to is enrolled, because more than one message may follow or the
    first one waits; otherwise a message each is all there is."""
    recipients: Recipients = field(default_factory=Recipients)
    """Of a send that enrolls."""
    receipt: CancelReceipt | None = None
    """What its cancellation found; None: it was not cancelled, or before receipts were kept."""

    def revision_of(self, message: Message, steps: Iterable[Step]) -> int:
        """What a message of this send, whose campaign has these steps, was rendered from, or will
        be when it is claimed."""
        if message.status not in UNSTARTED or message.attempts:
            return message.template_revision
        if message.step is None:
            return self.template_revision
        of_step: dict[int, int] = {step.position: step.template_revision for step in steps}
        return of_step.get(message.step, message.template_revision)

    def message(
        self,
        message_id: str,
        person_id: str,
        recipient: str,
        skip_reason: str | None,
        now: datetime,
        *,
        step: Step | None = None,
        enrollment: Enrollment | None = None,
    ) -> Message:
        """The row of one recipient of this send: due at once, or skipped for a reason. Where it
        enrolls, of the first step, and due with the enrollment, if there is one."""
        due_at = now if enrollment is None else enrollment.next_step_at or now
        return Message(
            id=message_id,
            brand_id=self.brand_id,
            person_id=person_id,
            channel=self.channel,
            template_key=self.template_key,
            template_revision=self.template_revision,
            recipient=recipient,
            send_id=self.id,
            variables={} if step is None else step.variables,
            status=MessageStatus.PENDING if skip_reason is None else MessageStatus.SKIPPED,
            failure_reason=skip_reason,
            scheduled_at=due_at,
            due_at=due_at,
            expire_at=self.expire_at,
            created_at=now,
            enrollment_id=None if enrollment is None else enrollment.id,
            step=None if step is None else step.position,
        )

    def again(self, message_id: str, failed: Message, now: datetime) -> Message:
        """The row of a message that this send tries again, due at once: of the same step, but of no
        enrollment."""
        return replace(
            self.message(message_id, failed.person_id, failed.recipient, None, now),
            channel=failed.channel,
            template_key=failed.template_key,
            template_revision=failed.template_revision,
            variables=failed.variables,
            step=failed.step,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """How many messages of a send share a step, a status, a reason and a revision. Leased rows are
    counted as pending."""

    status: MessageStatus
    reason: str | None
    template_revision: int
    count: int
    step: int | None = None
    """None: the one step that there is."""
