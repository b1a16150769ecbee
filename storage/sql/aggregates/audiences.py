"""Builds the one statement that says who is in an audience, where they are reached, and why they
are not.

Sends page through it, previews count it, so the two cannot differ.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, case, func, literal, null, select

from storage.model.audiences import AudienceCount, AudienceMember, SkipReason
from storage.model.channels import Channel
from storage.model.criteria import Criteria
from storage.model.gate import GateRule
from storage.sql.aggregates.criteria import matches
from storage.sql.aggregates.gate import block_reasons, rule_parameters
from storage.sql.connection import Connection
from storage.sql.delivery.addresses import address_on
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.schema.messages import messages
from storage.sql.schema.people import people


async def list_matching(
    connection: Connection,
    rule: GateRule,
    criteria: Criteria,
    as_of: datetime,
    after: str | None,
    limit: int,
    reached_by: str | None,
) -> list[AudienceMember]:
    """See `People.list_matching`."""
    statement = _audience(connection.dialect, rule, criteria, as_of, reached_by)
    if after is not None:
        statement = statement.where(people.c.person_id > after)
    rows = await connection.execute(
        statement.order_by(people.c.person_id).limit(limit), rule_parameters(rule)
    )
    return [AudienceMember(row.person_id, row.address, row.skip_reason) for row in rows.all]


async def count_matching(
    connection: Connection, rule: GateRule, criteria: Criteria, as_of: datetime
) -> list[AudienceCount]:
    """See `People.count_matching`."""
    audience = _audience(connection.dialect, rule, criteria, as_of).subquery("audience")
    counted = select(
        audience.c.skip_reason,
        func.count().label("people"),
        func.count(audience.c.address.distinct()).label("addresses"),
    ).group_by(audience.c.skip_reason)
    return [
        AudienceCount(row.skip_reason, row.people, row.addresses)
        for row in (await connection.execute(counted, rule_parameters(rule))).all
    ]


def _audience(
    dialect: SqlDialect,
    rule: GateRule,
    criteria: Criteria,
    as_of: datetime,
    reached_by: str | None = None,
) -> Select[Any]:
    address = func.coalesce(address_on(dialect, Channel(rule.channel)), "")
    reasons = [
        (address == "", literal(SkipReason.NO_ADDRESS.value)),
        *block_reasons(
            people.c.person_id, address, transactional=rule.transactional, opt_in=rule.opt_in
        ),
    ]
    if reached_by is not None:
        reasons.append(
            (_message_to(address, reached_by).is_not(None), literal(SkipReason.DUPLICATE.value))
        )
    skip_reason = case(*reasons, else_=null())
    return select(
        people.c.person_id, address.label("address"), skip_reason.label("skip_reason")
    ).where(
        people.c.brand_id == rule.brand_id,
        people.c.created_at <= as_of,
        matches(criteria, as_of, dialect),
    )


def _message_to(address: ColumnElement[Any], send_id: str) -> ScalarSelect[Any]:
    """The message of the send to the address, if there is one: a look into a unique index, as in
    `block_reasons`."""
    return (
        select(messages.c.id)
        .where(
            messages.c.send_id == send_id,
            messages.c.audience_key == address,
            messages.c.audience_key.is_not(None),
        )
        .scalar_subquery()
    )
