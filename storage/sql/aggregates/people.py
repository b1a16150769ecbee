"""Statements about people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, Text, bindparam, delete, literal_column, select

from storage.model.audiences import AudienceCount, AudienceMember
from storage.model.criteria import Criteria
from storage.model.gate import GateRule
from storage.model.people import Person
from storage.sql.aggregates import audiences
from storage.sql.connection import Connection, or_replace, read_record, record_values
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.dialects.types import dump_json
from storage.sql.schema.people import PATIENT_ID, people

_IDS_AT_ONCE = 5000


class SqlPeople:
    """See `storage.contract.people.People`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, person: Person) -> Person:
        values = record_values(person)
        changes = {
            name: value
            for name, value in values.items()
            if name not in ("brand_id", "person_id", "created_at")
        }
        statement = self._connection.dialect.insert(people).values(values)
        statement = statement.on_conflict_do_update(
            index_elements=["brand_id", "person_id"], set_=changes
        ).returning(*people.c)
        (row,) = (await self._connection.execute(statement)).all
        return read_record(Person, row)

    async def put_many(self, people_: Sequence[Person]) -> None:
        instant = lru_cache(maxsize=8)(self._connection.dialect.encode_instant)
        # In one order, so that two batches with the same people wait for each other rather than
        # deadlock.
        in_order = sorted(people_, key=lambda person: (person.brand_id, person.person_id))
        rows = [
            (
                person.brand_id,
                person.person_id,
                dump_json(person.attributes),
                person.email,
                person.phone,
                dump_json(person.push_tokens),
                person.locale,
                person.time_zone,
                instant(person.created_at),
                instant(person.updated_at),
            )
            for person in in_order
        ]
        if rows:
            columns = [column.name for column in people.c]
            key = ["brand_id", "person_id"]
            on_conflict = or_replace(key, columns, kept={"created_at"})
            await self._connection.insert_rows(people, columns, rows, on_conflict)

    async def find(self, brand_id: str, person_id: str) -> Person | None:
        statement = select(people).where(
            people.c.brand_id == brand_id, people.c.person_id == person_id
        )
        row = (await self._connection.execute(statement)).first
        return read_record(Person, row) if row else None

    async def find_many(self, brand_id: str, person_ids: Sequence[str]) -> dict[str, Person]:
        wanted, statement = _find_many(self._connection.dialect)
        found: dict[str, Person] = {}
        for start in range(0, len(person_ids), _IDS_AT_ONCE):
            some = [(person_id,) for person_id in person_ids[start : start + _IDS_AT_ONCE]]
            ids = self._connection.dialect.row_set_parameters(wanted, some)
            some_found = await self._connection.fetch_records(
                Person, statement, {**ids, "in_brand": brand_id}
            )
            found.update((person.person_id, person) for person in some_found)
        return found

    async def find_patients(self, brand_id: str, patient_id: str) -> list[str]:
        statement = (
            select(people.c.person_id)
            .where(people.c.brand_id == brand_id, literal_column(PATIENT_ID, Text) == patient_id)
            .order_by(people.c.person_id)
            .limit(2)
        )
        return [row.person_id for row in (await self._connection.execute(statement)).all]

    async def delete(self, brand_id: str, person_id: str) -> bool:
        statement = delete(people).where(
            people.c.brand_id == brand_id, people.c.person_id == person_id
        )
        return (await self._connection.execute(statement)).count > 0

    async def list_matching(
        self,
        rule: GateRule,
        criteria: Criteria,
        as_of: datetime,
        after: str | None,
        limit: int,
        *,
        reached_by: str | None = None,
    ) -> list[AudienceMember]:
        return await audiences.list_matching(
            self._connection, rule, criteria, as_of, after, limit, reached_by
        )

    async def count_matching(
        self, rule: GateRule, criteria: Criteria, as_of: datetime
    ) -> list[AudienceCount]:
        return await audiences.count_matching(self._connection, rule, criteria, as_of)


@lru_cache
def _find_many(dialect: SqlDialect) -> tuple[RowSet, Select[Any]]:
    wanted = dialect.row_set("wanted", id=ColumnKind.TEXT)
    return wanted, select(people).where(
        people.c.brand_id == bindparam("in_brand"), people.c.person_id.in_(select(wanted.c.id))
    )
