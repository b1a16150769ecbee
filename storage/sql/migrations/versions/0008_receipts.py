"""Receipts of cancellations with the sends, and with campaigns the sends that their cancellation
stopped: both were in the audit log alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COUNTS = ("sent", "in_flight", "cancelled")


def upgrade() -> None:
    for count in COUNTS:
        op.add_column("sends", sa.Column(f"receipt_{count}", sa.Integer()))
    op.add_column(
        "campaigns",
        sa.Column("cancelled_send_ids", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
    )
    on_postgres = op.get_bind().dialect.name == "postgresql"
    _take_over_receipts(on_postgres=on_postgres)
    _take_over_send_ids(on_postgres=on_postgres)


def _take_over_receipts(*, on_postgres: bool) -> None:
    newest = _newest("sends", "send_cancelled")
    for count in COUNTS:
        found = (
            f"CAST(details -> 'receipt' ->> '{count}' AS INTEGER)"
            if on_postgres
            else f"json_extract(details, '$.receipt.{count}')"
        )
        op.execute(
            f"UPDATE sends SET receipt_{count} = "  # noqa: S608  # names of our own
            f"(SELECT {found} {newest}) WHERE status = 'cancelled'"
        )


def _take_over_send_ids(*, on_postgres: bool) -> None:
    newest = _newest("campaigns", "campaign_cancelled")
    found = "details -> 'send_ids'" if on_postgres else "json_extract(details, '$.send_ids')"
    op.execute(
        "UPDATE campaigns SET cancelled_send_ids = "  # noqa: S608  # names of our own
        # One that was cancelled because it came due too late has no such entry.
        f"coalesce((SELECT {found} {newest}), '[]') WHERE status = 'cancelled'"
    )


def _newest(table: str, action: str) -> str:
    """The last entry about a row of the table; ids sort by creation. A subject has few entries and
    a brand has many: an expression keeps the index of brands out of it."""
    return (
        f"FROM audit_entries WHERE subject_id = {table}.id "  # names of our own
        f"AND audit_entries.brand_id || '' = {table}.brand_id AND action = '{action}' "
        "ORDER BY audit_entries.id DESC LIMIT 1"
    )
