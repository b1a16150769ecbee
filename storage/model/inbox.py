"""Items in the inbox of a person."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from storage.model.values import JsonObject, made_often


@made_often
class InboxItem:
    """What an in_app message or a notification puts before a person."""

    id: str
    """Of the item itself: ids sort by when items were put there, not by when a message was
    accepted."""
    brand_id: str
    person_id: str
    message_id: str | None = None
    """The in_app message that put it there; None: a notification."""
    category: str
    """What it is for. A notification calls it its kind."""
    title: str
    """Empty: an in_app message without a subject."""
    body: str | None
    action_url: str | None = None
    """Where it leads. A notification calls it its link."""
    metadata: JsonObject = field(default_factory=dict)
    created_at: datetime
    read_at: datetime | None = None
    archived_at: datetime | None = None
    """Since when it is out of sight; it then is not unread either."""
