"""Enrollments are listed by person, and by program and status."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_enrollments_person", "enrollments")
    op.drop_index("ix_enrollments_program_id_id", "enrollments")
    op.create_index(
        "ix_enrollments_brand_id_person_id_id", "enrollments", ["brand_id", "person_id", "id"]
    )
    op.create_index(
        "ix_enrollments_program_id_status_id", "enrollments", ["program_id", "status", "id"]
    )
