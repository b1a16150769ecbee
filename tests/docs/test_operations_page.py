"""docs/operations.md has every action of the audit log."""

from __future__ import annotations

import re
from pathlib import Path

from storage.model.audit import AuditAction

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text("utf-8")


def test_every_action_of_the_audit_log_is_on_the_page() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert [action.value for action in AuditAction if action.value not in named] == []
