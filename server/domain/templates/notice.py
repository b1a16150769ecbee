"""Reads what push and in_app messages have beside their words, from two variables: `action_url`,
where a message leads, and `metadata`, what else the person's client is to know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from server.domain.errors import FieldViolation
from server.domain.templates.rendering import RenderError
from server.domain.templates.variables import find_violations
from server.domain.validation import has_control_characters
from storage.model.channels import Channel
from storage.model.templates import TemplateVariable
from storage.model.values import JsonObject

ACTION_URL = "action_url"
METADATA = "metadata"
LINK_LENGTH = 2048
_CODE = re.compile(r"\s*(javascript|data|vbscript)\s*:", re.IGNORECASE)
_CHANNELS = frozenset({Channel.PUSH, Channel.IN_APP})


@dataclass(frozen=True, slots=True)
class Notice:
    """What a message has beside its words."""

    action_url: str | None = None
    metadata: JsonObject = field(default_factory=dict)


NO_NOTICE = Notice()


def read_notice(channel: str, context: Mapping[str, object]) -> Notice:
    """That of a message, from the names that its template is rendered with. Raises RenderError:
    `action_url_invalid`, `metadata_invalid`."""
    if channel not in _CHANNELS or not (ACTION_URL in context or METADATA in context):
        return NO_NOTICE
    if violations := find_notice_violations(channel, context):
        name = violations[0].field.rpartition(".")[2]
        raise RenderError(f"{name}_invalid", violations[0].message, field=violations[0].field)
    metadata = context.get(METADATA)
    return Notice(
        cast("str | None", context.get(ACTION_URL)) or None,
        {} if metadata is None else cast(JsonObject, metadata),
    )


def find_unfit_variables(
    channel: str, schema: Sequence[TemplateVariable], variables: Mapping[str, object]
) -> list[FieldViolation]:
    """All that is wrong with the variables of a message: for its template, and for its channel."""
    return [*find_violations(schema, variables), *find_notice_violations(channel, variables)]


def find_notice_violations(channel: str, variables: Mapping[str, object]) -> list[FieldViolation]:
    """A violation of the field `variables.<name>` for each of the two that is not what it has to
    be. Null counts as absent."""
    if channel not in _CHANNELS:
        return []
    found = []
    if flaw := _flaw_of_link(variables.get(ACTION_URL)):
        found.append(FieldViolation(f"variables.{ACTION_URL}", flaw))
    metadata = variables.get(METADATA)
    if metadata is not None and not isinstance(metadata, dict):
        found.append(FieldViolation(f"variables.{METADATA}", "must be an object"))
    return found


def _flaw_of_link(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return "must be a string"
    if len(value) > LINK_LENGTH:
        return f"must be at most {LINK_LENGTH} characters"
    if has_control_characters(value):
        return "must have no line breaks or control characters"
    return "must not be code that a browser would run" if _CODE.match(value) else None
