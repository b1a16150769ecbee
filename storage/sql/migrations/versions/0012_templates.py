"""Templates with an id of their own, beside their versions; versions have one too, and the names
that are found in them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from uuid_utils import uuid7

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")

COPY = """
    INSERT INTO template_versions (
        id, template_id, brand_id, channel, template_key, revision, subject, body, html, names,
        variables, variables_inferred, variants, created_by, created_at)
    SELECT :id, :template_id, brand_id, channel, template_key, revision, subject, body, html,
        :names, variables, variables_inferred, variants, created_by, created_at
    FROM templates
    WHERE brand_id = :brand_id AND channel = :channel AND template_key = :template_key
        AND revision = :revision
"""
GATHER = """
    INSERT INTO templates (
        id, brand_id, channel, template_key, current_version_id, created_by, created_at, updated_at)
    SELECT newest.template_id, newest.brand_id, newest.channel, newest.template_key, newest.id,
        oldest.created_by, oldest.created_at, newest.created_at
    FROM (
        SELECT template_id, min(revision) AS lowest, max(revision) AS highest
        FROM template_versions GROUP BY template_id
    ) AS numbers
    JOIN template_versions AS newest
        ON newest.template_id = numbers.template_id AND newest.revision = numbers.highest
    JOIN template_versions AS oldest
        ON oldest.template_id = numbers.template_id AND oldest.revision = numbers.lowest
"""


def upgrade() -> None:
    _create_versions()
    _take_over_versions()
    op.drop_table("templates")
    _create_templates()
    op.execute(GATHER)


def _create_versions() -> None:
    op.create_table(
        "template_versions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("template_id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("template_key", KEY, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("html", sa.Text()),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("variables_inferred", sa.Boolean(), nullable=False),
        sa.Column("variants", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint(
            "brand_id", "channel", "template_key", "revision", name="pk_template_versions"
        ),
    )
    op.create_index("uq_template_versions_id", "template_versions", ["id"], unique=True)


def _take_over_versions() -> None:
    """One by one, since each gets an id. The names in a schema that was given stand for those found
    in the texts, which only Liquid could find again."""
    old = sa.table(
        "templates",
        *(sa.column(name) for name in ("brand_id", "channel", "template_key", "revision")),
        sa.column("variables", sa.JSON()),
    )
    connection = op.get_bind()
    template_ids: dict[tuple[str, str, str], str] = {}
    for row in connection.execute(sa.select(old)).all():
        given: dict[str, Any] = dict(row._mapping)
        key = (row.brand_id, row.channel, row.template_key)
        given["id"] = str(uuid7())
        given["template_id"] = template_ids.setdefault(key, str(uuid7()))
        given["names"] = [variable["name"] for variable in given.pop("variables")]
        copy = sa.text(COPY).bindparams(sa.bindparam("names", type_=sa.JSON()))
        connection.execute(copy, given)


def _create_templates() -> None:
    op.create_table(
        "templates",
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("template_key", KEY, nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("category", KEY),
        sa.Column("current_version_id", KEY),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("archived_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_templates"),
    )
    op.create_index(
        "uq_templates_key", "templates", ["brand_id", "channel", "template_key"], unique=True
    )
