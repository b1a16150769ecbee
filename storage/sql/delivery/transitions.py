"""Ends rows that no provider is being called for, and says what is known of those whose earlier
calls are in doubt."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select

from storage.model.messages import MessageStatus
from storage.model.programs import EnrollmentStatus
from storage.model.sends import SendStatus
from storage.sql.dialects.types import Instant, Word
from storage.sql.schema.messages import attempts, messages
from storage.sql.schema.programs import enrollments
from storage.sql.schema.sends import sends

ACCEPTED = "accepted"
EXPIRED = "expired"
IN_DOUBT = "in_doubt"
"""The reason of a row whose outcome is not known."""

# Counted, not EXISTS: PostgreSQL may look up that one for all attempts there are, to compare the
# few rows with the result.
_accepted = (
    select(func.count())
    .where(attempts.c.message_id == messages.c.id, attempts.c.outcome == ACCEPTED)
    .scalar_subquery()
)
WAS_ACCEPTED = and_(messages.c.in_doubt, _accepted > 0)
"""A call in doubt turned out to have been accepted while the row was with its provider again."""


ENROLLMENT_IS_OVER = exists().where(
    enrollments.c.id == messages.c.enrollment_id,
    enrollments.c.status.in_((EnrollmentStatus.CANCELLED, EnrollmentStatus.STOPPED)),
)
"""The enrollment of the row has been cancelled or stopped."""
IS_CANCELLED = or_(
    exists().where(sends.c.id == messages.c.send_id, sends.c.status == SendStatus.CANCELLED),
    ENROLLMENT_IS_OVER,
)
"""The send of the row has been cancelled, or its enrollment is over before its time."""


def word(status: MessageStatus) -> ColumnElement[Any]:
    """A status where SQLAlchemy cannot tell from the column that it is one."""
    return literal(status, Word(MessageStatus))


def cancelled(now: datetime) -> dict[str, Any]:
    """What a cancellation makes of a pending or leased row: nobody can say of one in doubt that it
    did not go out."""
    return {
        "status": case(
            (messages.c.in_doubt, word(MessageStatus.UNKNOWN)), else_=word(MessageStatus.CANCELLED)
        ),
        "failure_reason": case((messages.c.in_doubt, IN_DOUBT), else_=messages.c.failure_reason),
        "cancelled_at": case(
            (messages.c.in_doubt, messages.c.cancelled_at), else_=literal(now, Instant())
        ),
        "lease_expires_at": None,
    }


def expired(now: datetime) -> dict[str, Any]:
    """What becomes of a pending row that is stale; one whose send has been cancelled is
    cancelled."""
    instead = cancelled(now)
    return {
        "status": case(
            (or_(messages.c.in_doubt, IS_CANCELLED), instead["status"]),
            else_=word(MessageStatus.EXPIRED),
        ),
        "failure_reason": case(
            (or_(messages.c.in_doubt, IS_CANCELLED), instead["failure_reason"]), else_=EXPIRED
        ),
        "cancelled_at": case(
            (IS_CANCELLED, instead["cancelled_at"]), else_=messages.c.cancelled_at
        ),
    }
