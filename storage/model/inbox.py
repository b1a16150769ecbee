"""Items in the inbox of a person."""

from __future__ import annotations

from datetime import datetime

from storage.model.values import made_often


@made_often
class InboxItem:
    """An in_app message as the person's client reads it."""

    message_id: str
    brand_id: str
    person_id: str
    subject: str | None
    body: str
    created_at: datetime
