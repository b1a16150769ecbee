"""What mail providers report, as it is read."""

from __future__ import annotations

from typing import Any

import pytest

from server.domain.email_reports import brand_named_in, read_email_report, read_payload
from server.domain.errors import ValidationFailed
from storage.model.suppressions import SuppressionReason

HARD, COMPLAINT = SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT


def payload(**more: Any) -> dict[str, Any]:
    return {"brand_id": "acme", "recipient_email": "Ana@Example.com", **more}


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("email.bounced", {"bounce": {"type": "Permanent", "subType": "General"}}, HARD),
        ("email.bounced", {}, HARD),
        ("email.bounced", {"bounce": {"type": "Transient"}}, None),
        ("email.bounced", {"bounce": {"type": "Undetermined"}}, None),
        ("email.complained", {}, COMPLAINT),
        ("hard_bounce", {}, HARD),
        ("complaint", {}, COMPLAINT),
        ("email.delivered", {"bounce": {"type": "Permanent"}}, None),
        ("email.delivery_delayed", {}, None),
        ("soft_bounce", {}, None),
        ("", {}, None),
    ],
)
def test_hard_bounces_and_complaints_alone_suppress(
    kind: str, data: dict[str, Any], reason: SuppressionReason | None
) -> None:
    report = read_email_report(payload(type=kind, data={"email_id": "e-1", **data}))
    assert (report.reason, report.type) == (reason, kind)
    assert (report.recipient, report.vendor_message_id) == ("ana@example.com", "e-1")


def test_the_id_of_the_message_may_stand_at_the_top_and_what_is_not_said_is_empty() -> None:
    both = read_email_report(payload(vendor_message_id="top", data={"email_id": "inner"}))
    assert (both.vendor_message_id, both.type) == ("top", "")
    assert read_email_report(payload()).vendor_message_id == ""


def test_all_that_is_wrong_is_named_at_once() -> None:
    wrong = payload(
        recipient_email="ana", type="<ana@example.com>", vendor_message_id="x" * 257, data=[1]
    )
    with pytest.raises(ValidationFailed) as refused:
        read_email_report(wrong)
    assert {each.field for each in refused.value.violations} == {
        "recipient_email", "type", "vendor_message_id", "data"
    }  # fmt: skip
    wrong = {"type": 7, "data": {"email_id": "a\nb", "bounce": {"type": 1}}}
    with pytest.raises(ValidationFailed) as refused:
        read_email_report(wrong)
    assert [each.field for each in refused.value.violations] == [
        "type", "recipient_email", "data.email_id", "data.bounce.type"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b'"acme"', b"{", b"\xff", b"[" * 60_000, b'{"brand_id": ' + b"9" * 5000 + b"}",
        b'{"brand_id": ["acme"]}', b'{"brand_id": null}',
    ],
)  # fmt: skip
def test_what_names_no_brand_is_of_none(body: bytes) -> None:
    assert brand_named_in(read_payload(body)) == ""
