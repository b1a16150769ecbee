"""Programs, the ordered steps of a sequence or campaign, and enrollments: one person in one program
each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from storage.model.audiences import SkipReason
from storage.model.values import JsonObject

CURRENT_REVISION = 0
"""In place of a template's revision: the one that is current when the step runs."""
OWN_ADDRESS = ""
"""In place of an address: the person's own on the channel of the step, when it runs."""
STOPPING_REASONS = frozenset({SkipReason.SUPPRESSED, SkipReason.NO_CONSENT})
"""Why a step that is skipped stops its enrollment: the person must not be contacted any more."""
PERSON_DELETED = "person_deleted"
"""Why an enrollment is stopped whose person was deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One message of a program."""

    id: str
    position: int
    """Its place; steps run by position ascending. No other of the program has it."""
    channel: str
    template_key: str
    template_revision: int = CURRENT_REVISION
    template_id: str | None = None
    """Of a campaign; with it the version that `template_revision` is the number of. None in a
    sequence, whose template need not be the same one when the step runs."""
    template_version_id: str | None = None
    delay_minutes: int
    """How long after the end of the step before it runs; of the first, after the enrollment."""
    variables: JsonObject = field(default_factory=dict)


def channels_of(steps: Iterable[Step]) -> list[str]:
    """The channels of the steps, each once, in their order."""
    return list(dict.fromkeys(step.channel for step in steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A program by itself, that people are enrolled in one by one."""

    id: str
    brand_id: str
    name: str
    description: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    steps: tuple[Step, ...] = ()
    """By position."""


class EnrollmentStatus(StrEnum):
    """Where an enrollment is in its life."""

    ACTIVE = "active"
    """The message of its current step exists, and has not ended."""
    COMPLETED = "completed"
    """Every step has run, however it ended."""
    CANCELLED = "cancelled"
    """Somebody cancelled it before that."""
    STOPPED = "stopped"
    """The person must not be contacted any more, or is gone."""


class RecipientOutcome(StrEnum):
    """What became of one recipient of a send, all messages to them taken together."""

    PENDING = "pending"
    """The enrollment goes on, or a message of it may still go out."""
    SENT = "sent"
    """Some message was sent, and none failed."""
    FAILED = "failed"
    """Some message failed, or nobody can say."""
    SKIPPED = "skipped"
    """No message went out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentFilter:
    """Which enrollments of a brand to list: of a program, of a person, or both; None matches all.
    One of the two is given."""

    program_id: str | None = None
    person_id: str | None = None
    status: EnrollmentStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """One person in one program, at one address."""

    id: str
    brand_id: str
    program_id: str
    person_id: str
    recipient: str
    """The address that was given, in normal form."""
    recipient_channel: str
    """The channel whose steps go to `recipient`; others go to the person's own address."""
    status: EnrollmentStatus = EnrollmentStatus.ACTIVE
    reason: str | None = None
    """Why it was stopped; None for any other status."""
    current_step: int
    """Position of the step whose message is next or in flight; once it is over, of the last that
    was planned."""
    next_step_at: datetime | None
    """When that message was to go out; None once it is over."""
    created_by: str
    enrolled_at: datetime
    ended_at: datetime | None = None
    send_id: str | None = None
    """The send of a campaign that enrolled them; None: a sequence."""
    outcome: RecipientOutcome | None = None
    """Of a send."""
