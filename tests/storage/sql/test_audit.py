"""The audit log: a brand's entries, newest first."""

from __future__ import annotations

from typing import Any

from storage.model.audit import AuditEntry
from storage.model.ids import new_id
from tests.support.storage.made import BRAND, NOW
from tests.support.storage.scene import Scene


def entry(**more: Any) -> AuditEntry:
    values: dict[str, Any] = {
        "id": new_id(),
        "brand_id": BRAND,
        "actor": "tester",
        "action": "send.paused",
        "subject_id": "send",
        "details": {"note": "Zoë", "count": 3},
        "created_at": NOW,
        "request_id": "request-7",
    }
    return AuditEntry(**values | more)


async def test_audit_entries_of_a_brand_are_listed_newest_first_and_page_by_page(
    scene: Scene,
) -> None:
    given = [entry(subject_id=subject) for subject in ("a", "b", "a", "a")]
    await scene.storage.write(
        lambda tx: tx.audit.append([*given, entry(brand_id="other", subject_id="a")])
    )
    await scene.storage.write(lambda tx: tx.audit.append([]))
    newest_first = given[::-1]
    assert (
        await scene.storage.read(lambda tx: tx.audit.list_page(BRAND, None, None, 3))
        == newest_first[:3]
    )
    assert (
        await scene.storage.read(lambda tx: tx.audit.list_page(BRAND, None, newest_first[2].id, 3))
        == newest_first[3:]
    )
    of_subject = [each for each in newest_first if each.subject_id == "a"]
    assert (
        await scene.storage.read(lambda tx: tx.audit.list_page(BRAND, "a", None, 2))
        == of_subject[:2]
    )
    assert (
        await scene.storage.read(lambda tx: tx.audit.list_page(BRAND, "a", of_subject[1].id, 2))
        == of_subject[2:]
    )
