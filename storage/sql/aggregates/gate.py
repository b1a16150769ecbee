"""Builds the one rule of who may not be contacted, for contacts given and for people of an
audience."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    ScalarSelect,
    Table,
    Text,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
)

from storage.contract.gate import Contact
from storage.model.audiences import SkipReason
from storage.model.gate import GateRule
from storage.sql.connection import Connection
from storage.sql.delivery.suppressed import HOLDS, suppression_of
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.schema.consents import consents
from storage.sql.schema.preferences import preferences
from storage.sql.schema.suppressions import suppressions

_CONTACTS_AT_ONCE = 5000
_BRAND, _CHANNEL, _CATEGORY = "in_brand", "on_channel", "of_category"


class SqlGate:
    """See `storage.contract.gate.Gate`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def may_block(self, rule: GateRule) -> bool:
        if rule.opt_in and not rule.transactional:
            return True
        rows = await self._connection.fetch(
            _any(transactional=rule.transactional), rule_parameters(rule)
        )
        return rows[0][0] is not None

    async def find_blocks(
        self, rule: GateRule, contacts: Iterable[Contact]
    ) -> dict[Contact, SkipReason]:
        dialect = self._connection.dialect
        wanted, statement = _find_blocks(
            dialect, transactional=rule.transactional, opt_in=rule.opt_in
        )
        found: dict[Contact, SkipReason] = {}
        remaining = iter(contacts)
        while some := list(islice(remaining, _CONTACTS_AT_ONCE)):
            given = dialect.row_set_parameters(wanted, some)
            rows = await self._connection.fetch(statement, {**given, **rule_parameters(rule)})
            found.update(
                ((person_id, address), SkipReason(reason)) for person_id, address, reason in rows
            )
        return found


def block_reasons(
    person_id: ColumnElement[Any],
    address: ColumnElement[Any],
    *,
    transactional: bool,
    opt_in: bool,
) -> list[tuple[ColumnElement[bool], ColumnElement[str]]]:
    """The reasons to hold a contact back, in order, each with what must be true. Their statement
    takes the parameters that `rule_parameters` gives.

    Each is one look into a unique index. A join or an EXISTS would leave the planner a choice, and
    before it has statistics of new rows it chooses to compare every person with every row.
    """
    suppressed = suppression_of(
        bindparam(_BRAND), bindparam(_CHANNEL), address, transactional=transactional
    )
    held = (suppressed.is_not(None), _word(SkipReason.SUPPRESSED))
    if transactional:
        return [held]
    said = _answer(consents, consents.c.opted_in, person_id)
    wants = _answer(preferences, preferences.c.enabled, person_id)
    return [
        held,
        (said.is_not(True) if opt_in else said.is_(False), _word(SkipReason.NO_CONSENT)),
        (wants.is_(False), _word(SkipReason.PREFERENCE_OFF)),
    ]


def rule_parameters(rule: GateRule) -> dict[str, str]:
    """What a statement with `block_reasons` is given."""
    known = {_BRAND: rule.brand_id, _CHANNEL: rule.channel}
    return known if rule.transactional else {**known, _CATEGORY: rule.category}


def _of(table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.brand_id == bindparam(_BRAND), table.c.channel == bindparam(_CHANNEL)


def _answer(
    table: Table, answer: ColumnElement[Any], person_id: ColumnElement[Any]
) -> ScalarSelect[Any]:
    return (
        select(answer)
        .where(*_of(table), table.c.category == bindparam(_CATEGORY))
        .where(table.c.person_id == person_id)
        .scalar_subquery()
    )


def _word(word: str) -> ColumnElement[str]:
    # Written into the statement: it takes no parameter.
    return literal_column(f"'{word}'", Text())


@lru_cache
def _any(*, transactional: bool) -> Executable:
    of_addresses = select(suppressions.c.id).where(*_of(suppressions), HOLDS).limit(1)
    if transactional:
        return select(of_addresses.scalar_subquery().label("found"))
    of_people = [
        select(table.c.id)
        .where(*_of(table), table.c.category == bindparam(_CATEGORY))
        .limit(1)
        .scalar_subquery()
        for table in (consents, preferences)
    ]
    return select(func.coalesce(of_addresses.scalar_subquery(), *of_people).label("found"))


@lru_cache
def _find_blocks(
    dialect: SqlDialect, *, transactional: bool, opt_in: bool
) -> tuple[RowSet, Executable]:
    wanted = dialect.row_set("wanted", person_id=ColumnKind.TEXT, address=ColumnKind.TEXT)
    reasons = block_reasons(
        wanted.c.person_id, wanted.c.address, transactional=transactional, opt_in=opt_in
    )
    looked_up = select(
        wanted.c.person_id, wanted.c.address, case(*reasons, else_=null()).label("reason")
    ).subquery("looked_up")
    return wanted, select(looked_up).where(looked_up.c.reason.is_not(None))
