"""Templates, their immutable versions, and the variables and variants of those."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class VariableType(StrEnum):
    """What values a variable takes: JSON's own words. The API's are the names in lower case, none
    of which is a keyword somewhere."""

    ANYTHING = "any"
    TEXT = "string"
    NUMERIC = "number"
    FLAG = "boolean"
    LIST = "list"
    MAPPING = "object"

    def admits(self, value: object) -> bool:
        """Whether a JSON value other than null is of this type. Booleans are not numbers."""
        if self is VariableType.NUMERIC:
            return isinstance(value, int | float) and not isinstance(value, bool)
        return isinstance(value, _CLASSES[self])


_CLASSES: dict[VariableType, type] = {
    VariableType.ANYTHING: object,
    VariableType.TEXT: str,
    VariableType.FLAG: bool,
    VariableType.LIST: list,
    VariableType.MAPPING: dict,
}


@dataclass(frozen=True, slots=True)
class TemplateVariable:
    """One variable of a schema."""

    name: str
    type: VariableType = VariableType.ANYTHING
    required: bool = False
    default: object = None
    """A JSON value for where none is given; None when there is none. A variable with a default is
    never missing."""


@dataclass(frozen=True, slots=True)
class TemplateVariant:
    """The template in another language."""

    locale: str
    """BCP 47 tag in its canonical case."""
    subject: str | None
    """None: the default subject."""
    body: str
    html: str | None
    """None: none in this language, whatever the default has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What messages and campaigns name by its key; what it says is in its versions."""

    id: str
    brand_id: str
    channel: str
    template_key: str
    """Unique in the brand and channel."""
    description: str | None = None
    category: str | None = None
    """What it is for; None: transactional in one-offs, marketing in campaigns."""
    current_version_id: str | None = None
    """The version with the highest revision; None before the first."""
    created_by: str
    created_at: datetime
    updated_at: datetime
    """When it last got a version, or was archived."""
    archived_at: datetime | None = None
    """Since when nothing new may be sent with it; None: something may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateVersion:
    """One version of a template; never changed and never deleted."""

    id: str
    template_id: str
    brand_id: str
    channel: str
    template_key: str
    revision: int
    """Its number: 1 for the first of a template. Messages keep it beside the template's key."""
    subject: str | None
    body: str
    html: str | None
    names: tuple[str, ...] = ()
    """Names of variables that are found in the texts of all languages."""
    variables: tuple[TemplateVariable, ...] = ()
    """The schema."""
    variables_inferred: bool = True
    """Whether the schema was inferred from the texts; otherwise it was given with them."""
    variants: tuple[TemplateVariant, ...] = ()
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFilter:
    """Which templates of a brand to list; None matches all."""

    channel: str | None = None
    template_key: str | None = None
    archived: bool = False
