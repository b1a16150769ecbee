"""Who had a one-off accepted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("accepted_by", sa.Text()))
    op.add_column("messages", sa.Column("request_id", sa.Text()))
