"""Says in SQL whether somebody was sent a campaign."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, select

from storage.model.messages import MessageStatus
from storage.sql.schema.messages import messages
from storage.sql.schema.people import people
from storage.sql.schema.sends import sends


def was_sent(campaign_id: str, now: datetime) -> ColumnElement[bool]:
    """Whether a row of `people` was sent a message of the campaign, by `now`. Never NULL.

    Along the index of a person's messages, and for each a look at its send. Said as two scalar
    subqueries, since a join or an EXISTS would leave the planner a choice, and one is to read all
    messages of the campaign for every person.
    """
    campaign_of_message = (
        select(sends.c.campaign_id)
        .where(sends.c.id == messages.c.send_id)
        .correlate(messages)
        .scalar_subquery()
    )
    message = (
        select(messages.c.id)
        .where(
            messages.c.brand_id == people.c.brand_id,
            messages.c.person_id == people.c.person_id,
            messages.c.status == MessageStatus.SENT,
            messages.c.sent_at <= now,
            campaign_of_message == campaign_id,
        )
        .limit(1)
        .correlate(people)
        .scalar_subquery()
    )
    return message.is_not(None)
