"""Prepares statements once for SQLite's driver itself: SQLAlchemy takes longer with a row than
SQLite does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any, TypeVar

from sqlalchemy import ClauseElement, Dialect, Executable
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from storage.sql.dialects.types import dump_json, load_json

R = TypeVar("R")

# These take less than SQLAlchemy declares: text.
_DIALECT: Dialect = sqlite.dialect(json_serializer=dump_json, json_deserializer=load_json)  # type: ignore[arg-type]
_Conversion = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    default: Any
    required: bool
    write: _Conversion | None

    def value(self, given: Mapping[str, Any]) -> Any:
        """What the driver gets. Raises KeyError if there is nothing to give."""
        value = given[self.name] if self.required else given.get(self.name, self.default)
        return value if self.write is None else self.write(value)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The text of a statement, what goes into it, and how what comes out is read."""

    text: str
    names: tuple[str, ...]
    """Of the columns it returns."""
    _parameters: Sequence[_Parameter]
    _reads: Sequence[_Conversion | None]

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """The parameters in order."""
        return [parameter.value(given) for parameter in self._parameters]

    def rows(self, raw: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The rows, converted."""
        return list(zip(*self._columns(raw), strict=True)) if any(self._reads) else list(raw)

    def records(self, record: type[R], raw: Sequence[Sequence[Any]]) -> list[R]:
        """The rows as records whose fields are exactly the columns."""
        made = list(map(object.__new__, repeat(record, len(raw))))
        # A column at a time, so that no line of Python runs for each value.
        setters = _setters_of(record, self.names)  # type: ignore[arg-type]  # a class is hashable
        for put, column in zip(setters, self._columns(raw), strict=bool(raw)):
            deque(map(put, made, column), maxlen=0)
        return made

    def _columns(self, raw: Sequence[Sequence[Any]]) -> list[Iterable[Any]]:
        return [
            column if read is None else map(read, column)
            for read, column in zip(self._reads, zip(*raw, strict=True), strict=bool(raw))
        ]


@lru_cache
def _setters_of(record: Any, columns: tuple[str, ...]) -> tuple[Callable[[Any, Any], None], ...]:
    """What sets the fields that bear the names of the columns. Raises TypeError if there are
    others, or more to do."""
    if sorted(columns) != sorted(record.__slots__) or hasattr(record, "__post_init__"):
        raise TypeError(f"{record.__name__} is not made of {', '.join(columns)}")
    return tuple(getattr(record, name).__set__ for name in columns)


@lru_cache
def prepared(statement: Executable) -> Prepared:
    """A statement made ready: what it holds must not depend on what it is given. Call with few
    different ones, as each is kept."""
    assert isinstance(statement, ClauseElement)
    compiled = statement.compile(dialect=_DIALECT)
    assert isinstance(compiled, SQLCompiler)
    assert not compiled.post_compile_params, (
        "a list of values has a length, which is written into the text"
    )
    binds = [compiled.binds[name] for name in compiled.positiontup or ()]
    parameters = [
        _Parameter(
            bind.key, bind.value, bind.required, _implementation(bind.type).bind_processor(_DIALECT)
        )
        for bind in binds
    ]
    returned: ReadOnlyColumnCollection[str, Any] | tuple[()] = getattr(
        statement, "exported_columns", ()
    )
    reads = [_implementation(column.type).result_processor(_DIALECT, None) for column in returned]
    return Prepared(str(compiled), tuple(column.key for column in returned), parameters, reads)


def _implementation(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.dialect_impl(_DIALECT)
