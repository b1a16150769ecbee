"""Storage on SQLAlchemy Core: one set of statements for SQLite and PostgreSQL."""

from storage.sql.open import migrate, open_storage

__all__ = ["migrate", "open_storage"]
