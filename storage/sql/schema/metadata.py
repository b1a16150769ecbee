"""What the tables are made with: their metadata and constraints that repeat."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, MetaData

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """That the column holds the value of one of the words."""
    return CheckConstraint(
        f"{column} IN ({', '.join(repr(word.value) for word in words)})", name=column
    )
