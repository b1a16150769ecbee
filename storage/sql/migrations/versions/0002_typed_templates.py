"""Variables and variants of templates; the revision a campaign was scheduled with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "templates",
        sa.Column("variables", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
    )
    op.add_column(
        "templates",
        sa.Column(
            "variables_inferred", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
    )
    op.add_column(
        "templates",
        sa.Column("variants", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
    )
    op.add_column("campaigns", sa.Column("template_revision", sa.Integer()))
    # Those scheduled so far keep what they would send today.
    op.execute(
        "UPDATE campaigns SET template_revision = ("
        "SELECT max(templates.revision) FROM templates WHERE templates.brand_id = "
        "campaigns.brand_id"
        " AND templates.channel = campaigns.channel AND templates.template_key = "
        "campaigns.template_key"
        ") WHERE status = 'scheduled'"
    )
