"""What stands in the audit log."""

from __future__ import annotations

from enum import StrEnum

SERVICE = "carillon"
"""The actor of what a policy decided, and of what the service did by itself."""
INSTALLATION = ""
"""The brand of what concerns no brand alone."""
DELIVERY = "delivery"
"""The subject of a hold and its release."""


class AuditAction(StrEnum):
    """What was decided."""

    MESSAGE_RESOLVED = "message_resolved"
    SEND_PAUSED = "send_paused"
    SEND_RESUMED = "send_resumed"
    SEND_CANCELLED = "send_cancelled"
    SEND_RETRIED = "send_retried"
    CAMPAIGN_CANCELLED = "campaign_cancelled"
    CAMPAIGN_MISFIRED = "campaign_misfired"
    BRAND_POLICY_SET = "brand_policy_set"
    BRAND_CREATED = "brand_created"
    BRAND_UPDATED = "brand_updated"
    TOKEN_MINTED = "token_minted"  # noqa: S105  # no password
    DELIVERY_HELD = "delivery_held"
    DELIVERY_RELEASED = "delivery_released"
