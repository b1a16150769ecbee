"""Entries of the audit log, and the actions that they are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.ids import new_id
from storage.model.values import JsonObject

SERVICE = "carillon"
"""The actor of what a policy decided, and of what the service did by itself."""
RECIPIENT = "recipient"
"""The actor of what somebody did with the link in a message."""
EMAIL_PROVIDER = "email-provider"
"""The actor of what a mail provider told, by an event."""
INSTALLATION = ""
"""The brand of what concerns no brand alone."""
DELIVERY = "delivery"
"""The subject of a hold and its release."""


class AuditAction(StrEnum):
    """What was done."""

    MESSAGE_SCHEDULED = "message_scheduled"
    """Kept with the message, not in the log: see decision 19."""
    MESSAGE_CANCELLED = "message_cancelled"
    MESSAGE_RESOLVED = "message_resolved"
    SEND_PAUSED = "send_paused"
    SEND_RESUMED = "send_resumed"
    SEND_VERSION_CHANGED = "send_version_changed"
    SEND_CANCELLED = "send_cancelled"
    SEND_RETRIED = "send_retried"
    CAMPAIGN_CREATED = "campaign_created"
    CAMPAIGN_UPDATED = "campaign_updated"
    CAMPAIGN_DELETED = "campaign_deleted"
    CAMPAIGN_SCHEDULED = "campaign_scheduled"
    CAMPAIGN_UNSCHEDULED = "campaign_unscheduled"
    CAMPAIGN_STARTED = "campaign_started"
    CAMPAIGN_CANCELLED = "campaign_cancelled"
    CAMPAIGN_MISFIRED = "campaign_misfired"
    SEQUENCE_CREATED = "sequence_created"
    PERSON_ENROLLED = "person_enrolled"
    ENROLLMENT_CANCELLED = "enrollment_cancelled"
    TEMPLATE_CREATED = "template_created"
    TEMPLATE_VERSION_CREATED = "template_version_created"
    TEMPLATE_ARCHIVED = "template_archived"
    SEGMENT_CREATED = "segment_created"
    SEGMENT_ARCHIVED = "segment_archived"
    PERSON_PUT = "person_put"
    PEOPLE_PUT = "people_put"
    PERSON_DELETED = "person_deleted"
    SUPPRESSION_CREATED = "suppression_created"
    SUPPRESSIONS_CREATED = "suppressions_created"
    SUPPRESSION_LIFTED = "suppression_lifted"
    CONSENT_PUT = "consent_put"
    PREFERENCE_PUT = "preference_put"
    UNSUBSCRIBED = "unsubscribed"
    NOTIFICATION_CREATED = "notification_created"
    NOTIFICATION_READ = "notification_read"
    INBOX_ITEMS_READ = "inbox_items_read"
    INBOX_ITEMS_ARCHIVED = "inbox_items_archived"
    PUSH_SUBSCRIPTION_CREATED = "push_subscription_created"
    PUSH_SUBSCRIPTION_ENDED = "push_subscription_ended"
    BRAND_POLICY_SET = "brand_policy_set"
    BRAND_CREATED = "brand_created"
    BRAND_UPDATED = "brand_updated"
    TOKEN_MINTED = "token_minted"  # noqa: S105  # no password
    TOKEN_REVOKED = "token_revoked"  # noqa: S105  # no password
    SIGNING_KEY_USED = "signing_key_used"
    SIGNING_KEY_RETIRED = "signing_key_retired"
    DELIVERY_HELD = "delivery_held"
    DELIVERY_RELEASED = "delivery_released"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what, and when. Never changed once written."""

    id: str
    brand_id: str
    """INSTALLATION for what concerns no brand alone."""
    actor: str
    action: str
    subject_id: str
    details: JsonObject
    created_at: datetime
    request_id: str | None = None
    """Of the call that did it, if it had one."""

    @classmethod
    def own(
        cls, brand_id: str, action: AuditAction, subject_id: str, details: JsonObject, now: datetime
    ) -> AuditEntry:
        """The entry of what a policy decided, or the service did by itself. Nothing personal
        belongs in `details`."""
        return cls(
            id=new_id(),
            brand_id=brand_id,
            actor=SERVICE,
            action=action,
            subject_id=subject_id,
            details=details,
            created_at=now,
        )
