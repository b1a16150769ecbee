"""Records to store, made up where the test does not care."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.deliveries import Settlement
from storage.model.email_events import EmailEvent
from storage.model.gate import GateRule
from storage.model.idempotency import IdempotencyRecord
from storage.model.ids import new_id
from storage.model.inbox import InboxItem
from storage.model.messages import Attempt, Message, MessageStatus
from storage.model.people import Person
from storage.model.programs import Enrollment, Sequence, Step
from storage.model.segments import Segment
from storage.model.sends import Send, SendStatus
from storage.model.templates import Template, TemplateVersion

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LEASE = NOW + 30 * SECOND
BRAND = "brand"
MAX_ATTEMPTS = 8
KNOWS_KEYS = {"outbox": timedelta(hours=1)}
"""A provider that still knows what it was asked to send."""


def email_event(event_id: str = "msg_1", **more: Any) -> EmailEvent:
    values: dict[str, Any] = {
        "brand_id": BRAND,
        "type": "email.delivered",
        "vendor_message_id": "theirs",
        "reason": None,
        "received_at": NOW,
    }
    return EmailEvent(id=event_id, **values | more)


def campaign(**more: Any) -> Campaign:
    values: dict[str, Any] = {
        "id": new_id(),
        "brand_id": BRAND,
        "face": "comms",
        "name": "Spring",
        "description": None,
        "subject": "Hello",
        "channel": "email",
        "template_key": "welcome",
        "segment_id": None,
        "segment_criteria": {},
        "variables": {"discount": 10},
        "status": CampaignStatus.DRAFT,
        "scheduled_at": None,
        "published_at": None,
        "sent_at": None,
        "cancelled_at": None,
        "created_by": "tester",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Campaign(**values | more)


def send(campaign_id: str, **more: Any) -> Send:
    values: dict[str, Any] = {
        "id": new_id(),
        "campaign_id": campaign_id,
        "brand_id": BRAND,
        "status": SendStatus.SENDING,
        "channel": "email",
        "template_key": "welcome",
        "template_revision": 1,
        "subject": None,
        "variables": {},
        "criteria": None,
        "audience_cursor": None,
        "audience_done": False,
        "started_at": NOW,
        "completed_at": None,
        "created_by": "tester",
        "created_at": NOW,
    }
    return Send(**values | more)


def message(person_id: str = "ann", **more: Any) -> Message:
    values: dict[str, Any] = {
        "id": new_id(),
        "brand_id": BRAND,
        "person_id": person_id,
        "channel": "email",
        "template_key": "welcome",
        "template_revision": 1,
        "recipient": f"{person_id}@example.com",
        "scheduled_at": NOW,
        "due_at": NOW,
        "created_at": NOW,
    }
    return Message(**values | more)


def skip(send_id: str, person_id: str = "ann", reason: str = "duplicate") -> Message:
    return message(person_id, send_id=send_id, status=MessageStatus.SKIPPED, failure_reason=reason)


def attempt(of: Message, outcome: str = "accepted", **more: Any) -> Attempt:
    values: dict[str, Any] = {
        "id": new_id(),
        "message_id": of.id,
        "number": of.attempts or 1,
        "lease": of.lease,
        "provider": "outbox",
        "started_at": NOW,
        "finished_at": NOW + SECOND,
        "outcome": outcome,
        "reason": None,
        "provider_message_id": None,
    }
    return Attempt(**values | more)


def settlement(
    of: Message, status: MessageStatus, expected: MessageStatus = MessageStatus.SENDING, **more: Any
) -> Settlement:
    return Settlement(
        message_id=of.id,
        lease=of.lease,
        enrollment_id=of.enrollment_id,
        expected=expected,
        status=status,
        **more,
    )


def template(**more: Any) -> Template:
    values: dict[str, Any] = {
        "id": new_id(),
        "brand_id": BRAND,
        "channel": "email",
        "template_key": "welcome",
        "created_by": "tester",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Template(**values | more)


def version(of: Template, **more: Any) -> TemplateVersion:
    values: dict[str, Any] = {
        "id": new_id(),
        "template_id": of.id,
        "brand_id": of.brand_id,
        "channel": of.channel,
        "template_key": of.template_key,
        "revision": 0,
        "subject": None,
        "body": "Hello",
        "html": None,
        "created_by": "tester",
        "created_at": NOW,
    }
    return TemplateVersion(**values | more)


async def put_version(
    tx: Transaction,
    *,
    brand_id: str = BRAND,
    channel: str = "email",
    template_key: str = "welcome",
    **more: Any,
) -> TemplateVersion:
    """Another version of a template, which is made if there is none."""
    await tx.templates.insert(
        template(brand_id=brand_id, channel=channel, template_key=template_key)
    )
    of = await tx.templates.find_by_key(brand_id, channel, template_key)
    assert of is not None
    return await tx.templates.append(version(of, **more))


def step(position: int, **more: Any) -> Step:
    values: dict[str, Any] = {
        "id": new_id(),
        "position": position,
        "channel": "email",
        "template_key": "welcome",
        "delay_minutes": 1,
    }
    return Step(**values | more)


def sequence(*steps: Step, **more: Any) -> Sequence:
    """Of two steps, each a minute after what comes before it, unless told otherwise."""
    values: dict[str, Any] = {
        "id": new_id(),
        "brand_id": BRAND,
        "name": "Onboarding",
        "description": None,
        "created_by": "tester",
        "created_at": NOW,
        "updated_at": NOW,
        "steps": steps or (step(0), step(1)),
    }
    return Sequence(**values | more)


def enrollment(of: Sequence, person_id: str = "ann", **more: Any) -> Enrollment:
    """In a sequence, whose first step is due at once unless told otherwise."""
    values: dict[str, Any] = {
        "id": new_id(),
        "brand_id": of.brand_id,
        "program_id": of.id,
        "person_id": person_id,
        "recipient": f"{person_id}@example.com",
        "recipient_channel": "email",
        "current_step": of.steps[0].position,
        "next_step_at": NOW,
        "created_by": "tester",
        "enrolled_at": NOW,
    }
    return Enrollment(**values | more)


def person(person_id: str = "ann", **more: Any) -> Person:
    values: dict[str, Any] = {
        "brand_id": BRAND,
        "person_id": person_id,
        "attributes": {},
        "email": f"{person_id}@example.com",
        "phone": "+12025550100",
        "push_tokens": ("first", "second"),
        "locale": "de-DE",
        "time_zone": "Europe/Berlin",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Person(**values | more)


def rule(channel: str = "email", category: str = "marketing", **more: Any) -> GateRule:
    values: dict[str, Any] = {
        "brand_id": BRAND,
        "transactional": False,
        "opt_in": False,
    }
    return GateRule(channel=channel, category=category, **values | more)


def segment(**more: Any) -> Segment:
    values: dict[str, Any] = {
        "id": new_id(),
        "brand_id": BRAND,
        "name": "All",
        "predicate": {},
        "created_by": "tester",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Segment(**values | more)


def inbox_item(of: Message, **more: Any) -> InboxItem:
    return notification(
        **{"person_id": of.person_id, "brand_id": of.brand_id, "message_id": of.id, **more}
    )


def notification(**more: Any) -> InboxItem:
    values: dict[str, Any] = {
        "id": new_id(),
        "brand_id": BRAND,
        "person_id": "ann",
        "category": "transactional",
        "title": "",
        "body": "Hello",
        "created_at": NOW,
    }
    return InboxItem(**values | more)


def idempotency_record(key: str = "key", **more: Any) -> IdempotencyRecord:
    values: dict[str, Any] = {
        "scope": "brand/send",
        "key": key,
        "fingerprint": "f",
        "response": b"\x00\xff",
        "created_at": NOW,
    }
    return IdempotencyRecord(**values | more)
