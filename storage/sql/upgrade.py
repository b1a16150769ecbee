"""Runs migrations. Apart from what opens a database because of Alembic, which takes longer to
import than most commands take to run."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from storage.contract.errors import SchemaMismatch

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: sqlalchemy.Connection, to: str) -> None:
    """Brings the schema up to a revision, inside the connection's transaction. Raises
    SchemaMismatch for a schema of a newer version."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in known:
        raise SchemaMismatch(
            f"the database is at revision {revision}, which this version does not know: it was "
            f"migrated by a newer one"
        )
    command.upgrade(config, to)
