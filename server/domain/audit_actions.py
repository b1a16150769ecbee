"""What stands in the audit log."""

from __future__ import annotations

INSTALLATION = ""
"""The brand of what concerns no brand alone."""
RECIPIENT = "recipient"
"""The actor of what somebody did with the link in a message."""
DELIVERY = "delivery"
"""The subject of a hold and its release."""
