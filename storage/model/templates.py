"""Templates: immutable revisions, their variables and variants."""

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
    """One immutable revision of a template."""

    brand_id: str
    channel: str
    template_key: str
    revision: int
    subject: str | None
    body: str
    html: str | None
    variables: tuple[TemplateVariable, ...] = ()
    variables_inferred: bool = True
    """Whether the variables were found in the texts; otherwise they were given with them."""
    variants: tuple[TemplateVariant, ...] = ()
    created_by: str
    created_at: datetime
