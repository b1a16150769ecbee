"""Reads what a mail provider reports of a message: its own JSON, in the form of Resend's or with
the fields beside each other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.domain.contacts.addresses import check_address
from server.domain.validation import Checks
from storage.model.channels import Channel
from storage.model.suppressions import SuppressionReason

LONGEST_ID = 256
BOUNCED = "email.bounced"
"""Of which `data.bounce.type` tells whether it is for good."""
PERMANENT = "permanent"
_SUPPRESSING = {
    "email.complained": SuppressionReason.COMPLAINT,
    "complaint": SuppressionReason.COMPLAINT,
    "hard_bounce": SuppressionReason.HARD_BOUNCE,
}
# It is kept and shown, and nothing personal belongs there.
_TYPE = re.compile(r"[A-Za-z0-9 ._:/-]{0,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailReport:
    """What happened to a mail."""

    recipient: str
    """In normal form."""
    type: str
    """In the provider's own words; empty if it does not say."""
    vendor_message_id: str
    """The provider's own id of the message; empty if it names none."""
    reason: SuppressionReason | None
    """Why the address must not be written to any more; None: it may."""


def read_payload(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; empty if there is none."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def brand_named_in(payload: Mapping[str, Any]) -> str:
    """The brand that a payload is of; empty if it names none."""
    brand_id = payload.get("brand_id")
    return brand_id if isinstance(brand_id, str) else ""


def read_email_report(payload: Mapping[str, Any]) -> EmailReport:
    """The report in a payload. Raises ValidationFailed with all that is wrong with it."""
    checks = Checks()
    data = _object(checks, payload, "data")
    bounce = _object(checks, data, "bounce", "data.bounce")
    kind = _text(checks, payload, "type")
    checks.require(bool(_TYPE.fullmatch(kind)), "type", "must be a name of at most 128 characters")
    report = EmailReport(
        recipient=_recipient(checks, payload),
        type=kind,
        vendor_message_id=_vendor_message_id(checks, payload, data),
        reason=_reason(kind, _text(checks, bounce, "type", "data.bounce.type")),
    )
    checks.finish()
    return report


def _reason(kind: str, bounce: str) -> SuppressionReason | None:
    # One of which nothing is said is for good: what may come right is a delay, and called so.
    if kind == BOUNCED and bounce.lower() in ("", PERMANENT):
        return SuppressionReason.HARD_BOUNCE
    return _SUPPRESSING.get(kind)


def _recipient(checks: Checks, payload: Mapping[str, Any]) -> str:
    text = payload.get("recipient_email")
    if isinstance(text, str):
        return check_address(checks, "recipient_email", Channel.EMAIL, text)
    checks.add("recipient_email", "is required, as a string")
    return ""


def _vendor_message_id(checks: Checks, payload: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    if "vendor_message_id" in payload:
        field, text = "vendor_message_id", _text(checks, payload, "vendor_message_id")
    else:
        field, text = "data.email_id", _text(checks, data, "email_id", "data.email_id")
    checks.require(
        len(text) <= LONGEST_ID and text.isprintable(),
        field,
        f"must be at most {LONGEST_ID} printable characters",
    )
    return text


def _text(checks: Checks, of: Mapping[str, Any], name: str, field: str = "") -> str:
    value = of.get(name)
    checks.require(value is None or isinstance(value, str), field or name, "must be a string")
    return value if isinstance(value, str) else ""


def _object(checks: Checks, of: Mapping[str, Any], name: str, field: str = "") -> Mapping[str, Any]:
    value = of.get(name)
    checks.require(value is None or isinstance(value, dict), field or name, "must be an object")
    return value if isinstance(value, dict) else {}
