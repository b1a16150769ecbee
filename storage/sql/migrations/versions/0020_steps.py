"""Steps of campaigns: what a campaign to a segment says becomes its one step; with enrollments the
send that one is of and what became of the recipient, and with sends how many of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from uuid_utils import uuid7

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
PINNED = """
    SELECT campaigns.id AS campaign_id, templates.id AS template_id,
        template_versions.id AS version_id, template_versions.revision
    FROM campaigns
    JOIN templates ON templates.brand_id = campaigns.brand_id
        AND templates.channel = campaigns.channel
        AND templates.template_key = campaigns.template_key
    JOIN template_versions ON template_versions.template_id = templates.id
    WHERE campaigns.face = 'messaging'
        AND CASE WHEN campaigns.template_revision IS NULL
            THEN template_versions.id = templates.current_version_id
            ELSE template_versions.revision = campaigns.template_revision END
"""
STEP = """
    INSERT INTO program_steps (
        id, program_id, position, channel, template_key, template_revision, template_id,
        template_version_id, delay_minutes, variables)
    SELECT :id, id, 0, channel, template_key, :revision, :template_id, :version_id, 0, variables
    FROM campaigns WHERE id = :campaign_id
"""


def upgrade() -> None:
    op.add_column("program_steps", sa.Column("template_id", KEY))
    op.add_column("program_steps", sa.Column("template_version_id", KEY))
    op.add_column("enrollments", sa.Column("send_id", KEY))
    op.add_column("enrollments", sa.Column("outcome", KEY))
    _count_recipients()
    _index()
    _take_over_content()


def _count_recipients() -> None:
    false = sa.text("false")
    op.add_column("sends", sa.Column("enrolls", sa.Boolean(), server_default=false, nullable=False))
    for name in ("pending", "sent", "failed", "skipped"):
        column = sa.Column(
            f"recipients_{name}", sa.Integer(), server_default=sa.text("0"), nullable=False
        )
        op.add_column("sends", column)


def _index() -> None:
    op.drop_index("ix_messages_of_sends", "messages")
    _partial(
        "ix_messages_of_sends",
        "messages",
        ["send_id", "channel", "due_at", "id"],
        "status = 'pending' AND send_id IS NOT NULL",
    )
    op.drop_index("uq_enrollments_active", "enrollments")
    _partial(
        "uq_enrollments_active",
        "enrollments",
        ["program_id", "person_id", "recipient"],
        "status = 'active' AND send_id IS NULL",
        unique=True,
    )


def _take_over_content() -> None:
    """One by one, since each gets an id. A draft whose template there is not has no step."""
    connection = op.get_bind()
    for row in connection.execute(sa.text(PINNED)).all():
        connection.execute(sa.text(STEP), {"id": str(uuid7()), **row._mapping})
    op.execute(
        "UPDATE campaigns SET template_key = '', template_revision = NULL, variables = '{}'"
        " WHERE face = 'messaging'"
    )


def _partial(
    name: str, table: str, columns: list[str], condition: str, *, unique: bool = False
) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
