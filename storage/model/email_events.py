"""What mail providers reported of messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.model.suppressions import SuppressionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailEvent:
    """Something that happened to a mail after its provider had taken it. Never changed once
    written."""

    brand_id: str
    id: str
    """Given by the provider: a repeat has the same. Unique in the brand."""
    type: str
    """In the provider's own words; empty if it did not say."""
    vendor_message_id: str
    """The provider's own id of the message, which the attempt has that it accepted; empty if it
    named none."""
    reason: SuppressionReason | None
    """Why the address was suppressed for it; None: it was not."""
    received_at: datetime
