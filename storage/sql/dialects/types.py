"""Column types, and how their values are written where SQLAlchemy does not do it: in bulk inserts
and row sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, TIMESTAMP, BigInteger, Dialect, Text, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from storage.model.json_text import json_writer
from storage.model.templates import TemplateVariable, TemplateVariant, VariableType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_READ_JSON = json.JSONDecoder().raw_decode
_write_json = json_writer()

# Keys compare by code point on both databases; PostgreSQL would use the locale of the cluster.
KEY = Text().with_variant(Text(collation="C"), "postgresql")

# Text as written: jsonb would refuse NUL and turn 1e22 into an integer. Attributes are jsonb
# because criteria look into them.
JSON_TEXT = JSON(none_as_null=True)
JSON_INDEXABLE = JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True), "postgresql"
)


def require_aware(value: datetime) -> datetime:
    """The instant itself. Raises ValueError for one without an offset: its meaning would depend on
    where it is read."""
    if value.tzinfo is None or value.utcoffset() is None:
        raise ValueError("a datetime without an offset is not an instant")
    return value


def to_microseconds(value: datetime) -> int:
    """Microseconds since 1970, as SQLite keeps instants. Raises ValueError for a naive datetime."""
    try:
        return (value - _EPOCH) // _MICROSECOND
    except TypeError:
        require_aware(value)
        raise


def from_microseconds(value: int) -> datetime:
    """The instant in UTC."""
    return _EPOCH + timedelta(microseconds=value)


@lru_cache(maxsize=1024)
def _read_instant(value: int | None) -> datetime | None:
    # Rows that are read together share most of their instants.
    return None if value is None else from_microseconds(value)


def dump_json(value: object) -> str:
    """JSON text. Raises ValueError for NaN and infinities, which are not JSON."""
    return _write_json(value) if value != {} else "{}"


def load_json(text: str) -> object:
    """What a JSON text says."""
    # Written without a space around it, which is what `loads` would look for first.
    return _READ_JSON(text)[0] if text != "{}" else {}


class Instant(TypeDecorator[datetime]):
    """An instant in UTC: microseconds since 1970 on SQLite, timestamptz on PostgreSQL. Naive
    datetimes are refused."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(
            TIMESTAMP(timezone=True) if dialect.name == "postgresql" else BigInteger()
        )

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | int | None:
        if value is None:
            return None
        return require_aware(value) if dialect.name == "postgresql" else to_microseconds(value)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None] | None:
        # asyncpg gives them in UTC, whatever the zone of the session.
        return None if dialect.name == "postgresql" else _read_instant


class Word(TypeDecorator[str]):
    """A member of an enumeration, kept as its value."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], StrEnum | None]:
        meanings: dict[str | None, StrEnum | None] = {word.value: word for word in self.words}
        return (meanings | {None: None}).__getitem__


class Strings(TypeDecorator[tuple[str, ...]]):
    """A short list of strings, kept as JSON."""

    impl = JSON
    cache_ok = True

    def process_bind_param(
        self, value: tuple[str, ...] | None, dialect: Dialect
    ) -> list[str] | None:
        return None if value is None else list(value)

    def process_result_value(
        self, value: list[str] | None, dialect: Dialect
    ) -> tuple[str, ...] | None:
        return None if value is None else tuple(value)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], tuple[str, ...] | None] | None:
        read = super().result_processor(dialect, coltype)
        # Most are empty.
        return read if read is None else lambda value: () if value == "[]" else read(value)


class Records(TypeDecorator[tuple[Any, ...]]):
    """A short list of dataclasses with slots, kept as a JSON list of objects and read back by a
    function of one."""

    impl = JSON
    cache_ok = True

    def __init__(self, read: Callable[[dict[str, Any]], object]) -> None:
        super().__init__()
        self.read = read

    def process_bind_param(
        self, value: tuple[Any, ...] | None, dialect: Dialect
    ) -> list[dict[str, Any]] | None:
        return (
            None
            if value is None
            else [{name: getattr(record, name) for name in record.__slots__} for record in value]
        )

    def process_result_value(
        self, value: list[dict[str, Any]] | None, dialect: Dialect
    ) -> tuple[Any, ...] | None:
        return None if value is None else tuple(map(self.read, value))


def _read_variable(document: dict[str, Any]) -> TemplateVariable:
    return TemplateVariable(**document | {"type": VariableType(document["type"])})


def _read_variant(document: dict[str, Any]) -> TemplateVariant:
    return TemplateVariant(**document)


TEMPLATE_VARIABLES = Records(_read_variable)
TEMPLATE_VARIANTS = Records(_read_variant)
