"""Takes an event of a mail provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from server.commands.suppressions.create import NewSuppression, create_suppression
from server.domain.access import Caller, Principal
from server.domain.email_reports import EmailReport
from server.domain.errors import WebhookUnverified
from storage.contract.storage import Transaction
from storage.model.audit import EMAIL_PROVIDER
from storage.model.channels import Channel
from storage.model.email_events import EmailEvent

SOURCE = "email webhook"
"""Of suppressions that come of an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedReport:
    """A report whose signature is good, and when and with what request it came."""

    event_id: str
    brand_id: str
    report: EmailReport
    now: datetime
    request_id: str | None

    @property
    def caller(self) -> Caller:
        """The provider, in the audit log."""
        brands = frozenset({self.brand_id})
        return Caller(Principal(EMAIL_PROVIDER, brands, frozenset()), self.now, self.request_id)


async def receive_email_event(tx: Transaction, received: ReceivedReport) -> EmailEvent:
    """Records the event, and suppresses the address that can or will have no more mail. One that
    was received before changes nothing, and is returned as it was.

    Raises WebhookUnverified for a brand that nobody has created.
    """
    if await tx.brands.find(received.brand_id) is None:
        raise WebhookUnverified("there is no such brand")
    report = received.report
    event = EmailEvent(
        brand_id=received.brand_id,
        id=received.event_id,
        type=report.type,
        vendor_message_id=report.vendor_message_id,
        reason=report.reason,
        received_at=received.now,
    )
    if not await tx.email_events.insert(event):
        first = await tx.email_events.find(event.brand_id, event.id)
        assert first is not None, "its id was taken a moment ago"
        return first
    if report.reason is not None:
        new = NewSuppression(
            channel=Channel.EMAIL,
            address=report.recipient,
            reason=report.reason,
            source=SOURCE,
        )
        await create_suppression(tx, received.caller, event.brand_id, new, "recipient_email")
    return event
