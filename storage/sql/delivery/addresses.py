"""Where people are reached, as statements say it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement

from storage.model.channels import Channel
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.schema.people import people


def address_on(dialect: SqlDialect, channel: Channel) -> ColumnElement[Any]:
    """The address of a person on a channel; NULL or empty if there is none."""
    match channel:
        case Channel.EMAIL:
            return people.c.email
        case Channel.SMS:
            return people.c.phone
        case Channel.PUSH:
            return dialect.first_of(people.c.push_tokens)
        case Channel.IN_APP:
            return people.c.person_id
