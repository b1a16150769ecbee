"""Programs, the ordered steps of a sequence, and enrollments: one person in one program each."""

from __future__ import annotations

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
    delay_minutes: int
    """How long after the end of the step before it runs; of the first, after the enrollment."""
    variables: JsonObject = field(default_factory=dict)


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
