"""Storage on SQLAlchemy Core: one set of statements for SQLite and PostgreSQL."""

from storage.sql.open import check_schema, migrate, open_storage

__all__ = ["check_schema", "migrate", "open_storage"]
