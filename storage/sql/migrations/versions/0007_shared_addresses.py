"""One message per address of a send, unless the campaign allows shared ones; e-mail addresses of people in their one form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("campaigns", "sends"):
        op.add_column(table, sa.Column("allow_shared_addresses", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    # The messages of these are told apart by person and address: they go on, and are retried, as they began.
    op.execute("UPDATE sends SET allow_shared_addresses = true")
    op.execute("UPDATE people SET email = lower(email) WHERE email <> lower(email)")
