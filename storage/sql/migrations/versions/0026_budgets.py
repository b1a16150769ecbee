"""What a brand may use each second."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "brand_policies",
        sa.Column("budgets", sa.JSON(), nullable=False, server_default=sa.text("'{}'")),
    )
