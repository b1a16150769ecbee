"""Every list of the API, and how to add rows to it: straight to storage, since some rows are made
by the service alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from storage.contract.storage import Transaction
from storage.model.audit import INSTALLATION, AuditAction, AuditEntry
from storage.model.brands import Brand
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.consents import Consent
from storage.model.deliveries import Settlement
from storage.model.ids import new_id
from storage.model.messages import Attempt, Message, MessageStatus
from storage.model.preferences import Preference
from storage.model.segments import Segment
from storage.model.sends import Send, SendStatus
from storage.model.suppressions import Suppression, SuppressionReason
from tests.support.storage import made
from tests.support.storage.scene import claim_due

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)


@dataclass(frozen=True)
class Listing:
    """One list method."""

    items: str
    """Field of the answer that holds the rows."""
    id: str
    """Field that tells rows apart."""
    asks: Callable[[str], Mapping[str, Any]]
    """The request for the rows that `add` adds to a brand."""
    asks_another: Callable[[str], Mapping[str, Any]]
    """A request of the same method for another list, or with another filter."""
    add: Callable[[Transaction, str], Awaitable[object]]
    """Adds one row to a brand."""
    prepare: Callable[[Transaction, str], Awaitable[object]] | None = None
    """What must be there before."""
    oldest_first: bool = False


def _campaign(brand: str, face: str, campaign_id: str | None = None) -> Campaign:
    return Campaign(
        id=campaign_id or new_id(),
        brand_id=brand,
        face=face,
        name="news",
        description=None,
        subject="News",
        channel="email",
        template_key="welcome",
        segment_id=None,
        segment_criteria=None,
        variables={},
        status=CampaignStatus.DRAFT,
        scheduled_at=None,
        published_at=None,
        sent_at=None,
        cancelled_at=None,
        created_by="tester",
        created_at=NOW,
        updated_at=NOW,
    )


async def _add_campaigns_to_have_sends(tx: Transaction, brand: str, face: str) -> None:
    await tx.campaigns.insert(_campaign(brand, face, f"{brand}-one"))
    await tx.campaigns.insert(_campaign(brand, face, f"{brand}-two"))


async def _add_send(tx: Transaction, brand: str) -> None:
    await tx.sends.insert(
        Send(
            id=new_id(),
            campaign_id=f"{brand}-one",
            brand_id=brand,
            status=SendStatus.COMPLETED,
            channel="email",
            template_key="welcome",
            template_revision=1,
            subject=None,
            variables={},
            criteria=None,
            audience_cursor=None,
            audience_done=True,
            started_at=NOW,
            completed_at=NOW,
            created_by="tester",
            created_at=NOW,
        )
    )


async def _add_step(tx: Transaction, brand: str) -> None:
    position = len(await tx.steps.list_of(f"{brand}-one"))
    await tx.steps.insert(f"{brand}-one", made.step(position))


async def _add_consent(tx: Transaction, brand: str) -> None:
    consent = Consent(
        id=new_id(), brand_id=brand, person_id="ann", channel="email", category=new_id(),
        opted_in=True, source="test", created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    await tx.consents.put_many([consent])


async def _add_preference(tx: Transaction, brand: str) -> None:
    preference = Preference(
        id=new_id(), brand_id=brand, person_id="ann", channel="email", category=new_id(),
        enabled=True, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    await tx.preferences.put_many([preference])


async def _add_suppression(tx: Transaction, brand: str) -> None:
    suppression_id = new_id()
    suppression = Suppression(
        id=suppression_id,
        brand_id=brand,
        channel="sms",
        address=suppression_id,
        reason=SuppressionReason.MANUAL,
        source="test",
        created_at=NOW,
    )
    await tx.suppressions.put_many([suppression])


def _message(brand: str, message_id: str, **more: Any) -> Message:
    values: dict[str, Any] = {
        "status": MessageStatus.SENT,
        "channel": "email",
        "scheduled_at": NOW,
        "due_at": NOW,
        "created_at": NOW,
    }
    return Message(
        id=message_id,
        brand_id=brand,
        person_id="ann",
        template_key="welcome",
        template_revision=1,
        recipient="ann@example.com",
        **values | more,
    )


async def _add_message(tx: Transaction, brand: str) -> None:
    await tx.messages.insert_many([_message(brand, new_id())])


async def _add_messages_to_have_attempts(tx: Transaction, brand: str) -> None:
    await tx.messages.insert_many(
        [_message(brand, f"{brand}-one"), _message(brand, f"{brand}-two")]
    )


async def _add_attempt(tx: Transaction, brand: str) -> None:
    attempt = Attempt(
        id=new_id(),
        message_id=f"{brand}-one",
        number=1,
        lease=1,
        provider="outbox",
        started_at=NOW,
        finished_at=NOW,
        outcome="rejected",
        reason="busy",
        provider_message_id=None,
    )
    # The message has moved on, but an attempt is kept in every case.
    late = Settlement(
        message_id=f"{brand}-one",
        lease=99,
        expected=MessageStatus.SENDING,
        status=MessageStatus.FAILED,
        attempt=attempt,
    )
    await tx.messages.settle([late], NOW)


async def _add_inbox_item(tx: Transaction, brand: str) -> None:
    message_id = new_id()
    await tx.messages.insert_many(
        [_message(brand, message_id, channel="in_app", status=MessageStatus.PENDING)]
    )
    (held,) = await claim_due(tx, "in_app", NOW, NOW + LEASE, 1)
    assert held.id == message_id
    item = made.inbox_item(held)
    delivered = Settlement(
        message_id=message_id,
        lease=held.lease,
        expected=MessageStatus.LEASED,
        status=MessageStatus.SENT,
        inbox_item=item,
    )
    assert await tx.messages.settle([delivered], NOW) == {message_id}


async def _add_template(tx: Transaction, brand: str) -> None:
    key = new_id()
    await tx.templates.insert(made.template(brand_id=brand, template_key=key))


async def _add_templates_to_have_versions(tx: Transaction, brand: str) -> None:
    for name in ("one", "two"):
        await tx.templates.insert(
            made.template(id=f"{brand}-{name}", brand_id=brand, template_key=name)
        )


async def _add_version(tx: Transaction, brand: str) -> None:
    await made.put_version(tx, brand_id=brand, template_key="one")


def _segment(brand: str) -> Segment:
    return Segment(
        id=new_id(),
        brand_id=brand,
        name="all",
        predicate={},
        created_by="tester",
        created_at=NOW,
        updated_at=NOW,
    )


async def _add_unknown_message(tx: Transaction, brand: str) -> None:
    await tx.messages.insert_many([_message(brand, new_id(), status=MessageStatus.UNKNOWN)])


async def _add_audit_entry(tx: Transaction, brand: str) -> None:
    await tx.audit.append([AuditEntry.own(brand, AuditAction.SEND_PAUSED, "one", {}, NOW)])


async def _add_entry_of_the_installation(tx: Transaction, brand: str) -> None:
    await tx.audit.append([AuditEntry.own(INSTALLATION, AuditAction.DELIVERY_HELD, brand, {}, NOW)])


async def _add_brand(tx: Transaction, brand: str) -> None:
    assert await tx.brands.insert(
        Brand(
            id=f"{brand}-{new_id()}", name="x", created_by="tester", created_at=NOW, updated_at=NOW
        )
    )


async def _add_sequence_to_enroll_in(tx: Transaction, brand: str) -> None:
    await tx.sequences.insert(made.sequence(id=f"{brand}-one", brand_id=brand))


async def _add_enrollment(tx: Transaction, brand: str) -> None:
    sequence = await tx.sequences.find(f"{brand}-one")
    assert sequence is not None
    assert await tx.enrollments.insert(made.enrollment(sequence, person_id=new_id()))


LISTINGS: dict[str, Listing] = {
    "ops.BrandService/ListBrands": Listing(
        items="brands",
        id="id",
        asks=lambda brand: {"prefix": f"{brand}-"},
        asks_another=lambda brand: {"prefix": f"other-{brand}"},
        add=_add_brand,
        oldest_first=True,
    ),
    **{
        f"{face}.CampaignService/ListCampaigns": Listing(
            items=items,
            id="id",
            asks=lambda brand: {"brand_id": brand},
            asks_another=lambda brand: {"brand_id": brand, "status": "draft"},
            add=lambda tx, brand, face=face: tx.campaigns.insert(_campaign(brand, face)),  # type: ignore[misc]
        )
        for face, items in (("comms", "campaigns"), ("messaging", "items"))
    },
    **{
        f"{face}.CampaignService/{verb}": Listing(
            items="sends",
            id="id",
            asks=lambda brand: {"id": f"{brand}-one"},
            asks_another=lambda brand: {"id": f"{brand}-two"},
            add=_add_send,
            prepare=lambda tx, brand, face=face: _add_campaigns_to_have_sends(tx, brand, face),  # type: ignore[misc]
        )
        for face, verb in (("comms", "ListCampaignHistory"), ("messaging", "ListCampaignSends"))
    },
    "messaging.CampaignService/ListCampaignSteps": Listing(
        items="items",
        id="id",
        asks=lambda brand: {"id": f"{brand}-one"},
        asks_another=lambda brand: {"id": f"{brand}-two"},
        add=_add_step,
        prepare=lambda tx, brand: _add_campaigns_to_have_sends(tx, brand, "messaging"),
        oldest_first=True,
    ),
    "comms.SuppressionService/ListSuppressions": Listing(
        items="data",
        id="id",
        asks=lambda brand: {"brand_id": brand},
        asks_another=lambda brand: {"brand_id": brand, "channel": "email"},
        add=_add_suppression,
    ),
    **{
        f"comms.{noun}Service/List{noun}s": Listing(
            items="data",
            id="id",
            asks=lambda brand: {"brand_id": brand, "person_id": "ann"},
            asks_another=lambda brand: {"brand_id": brand, "person_id": "bob"},
            add=add,
        )
        for noun, add in (("Consent", _add_consent), ("Preference", _add_preference))
    },
    "comms.MessageService/ListScheduledMessages": Listing(
        items="data",
        id="id",
        asks=lambda brand: {"brand_id": brand, "status": "sent"},
        asks_another=lambda brand: {"brand_id": brand},
        add=_add_message,
    ),
    "comms.MessageService/ListRecentMessages": Listing(
        items="messages",
        id="message_id",
        asks=lambda brand: {"brand_id": brand},
        asks_another=lambda brand: {"brand_id": f"other-{brand}"},
        add=_add_message,
    ),
    "comms.MessageService/ListMessages": Listing(
        items="data",
        id="id",
        asks=lambda brand: {"brand_id": brand, "status": "sent"},
        asks_another=lambda brand: {"brand_id": brand, "status": "sent", "person_id": "ann"},
        add=_add_message,
    ),
    "comms.MessageService/ListMessageAttempts": Listing(
        items="attempts",
        id="id",
        asks=lambda brand: {"id": f"{brand}-one"},
        asks_another=lambda brand: {"id": f"{brand}-two"},
        add=_add_attempt,
        prepare=_add_messages_to_have_attempts,
        oldest_first=True,
    ),
    "messaging.TemplateService/ListTemplates": Listing(
        items="items",
        id="id",
        asks=lambda brand: {"brand_id": brand},
        asks_another=lambda brand: {"brand_id": brand, "channel": "email"},
        add=_add_template,
        # By key, and the keys are ids here.
        oldest_first=True,
    ),
    "messaging.TemplateService/ListTemplateVersions": Listing(
        items="items",
        id="id",
        asks=lambda brand: {"id": f"{brand}-one"},
        asks_another=lambda brand: {"id": f"{brand}-two"},
        add=_add_version,
        prepare=_add_templates_to_have_versions,
    ),
    "comms.InboxService/ListInboxItems": Listing(
        items="data",
        id="id",
        asks=lambda brand: {"brand_id": brand, "person_id": "ann"},
        asks_another=lambda brand: {"brand_id": brand, "person_id": "bob"},
        add=_add_inbox_item,
    ),
    "comms.NotificationService/ListNotifications": Listing(
        items="data",
        id="id",
        asks=lambda brand: {"brand_id": brand},
        asks_another=lambda brand: {"brand_id": f"other-{brand}"},
        add=lambda tx, brand: tx.inbox.insert(
            made.notification(brand_id=brand, person_id="tester")
        ),
    ),
    "comms.SequenceService/ListSequences": Listing(
        items="data",
        id="id",
        asks=lambda brand: {"brand_id": brand},
        asks_another=lambda brand: {"brand_id": f"other-{brand}"},
        add=lambda tx, brand: tx.sequences.insert(made.sequence(brand_id=brand)),
    ),
    "comms.SequenceService/ListEnrollments": Listing(
        items="data",
        id="id",
        asks=lambda brand: {"brand_id": brand, "sequence_id": f"{brand}-one"},
        asks_another=lambda brand: {"brand_id": brand, "person_id": "ann"},
        add=_add_enrollment,
        prepare=_add_sequence_to_enroll_in,
    ),
    "ops.UnknownMessageService/ListUnknownMessages": Listing(
        items="unknown_messages",
        id="message_id",
        asks=lambda brand: {"brand_id": brand},
        asks_another=lambda brand: {"brand_id": brand, "send_id": "one"},
        add=_add_unknown_message,
    ),
    "ops.AuditService/ListAuditEntries": Listing(
        items="audit_entries",
        id="id",
        asks=lambda brand: {"brand_id": brand},
        asks_another=lambda brand: {"brand_id": brand, "subject_id": "one"},
        add=_add_audit_entry,
    ),
    "ops.AuditService/ListInstallationAuditEntries": Listing(
        items="audit_entries",
        id="id",
        asks=lambda brand: {"subject_id": brand},
        asks_another=lambda brand: {"subject_id": f"other-{brand}"},
        add=_add_entry_of_the_installation,
    ),
    "messaging.SegmentService/ListSegments": Listing(
        items="items",
        id="id",
        asks=lambda brand: {"brand_id": brand},
        asks_another=lambda brand: {"brand_id": brand, "status": "archived"},
        add=lambda tx, brand: tx.segments.insert(_segment(brand)),
    ),
}
