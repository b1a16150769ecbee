"""What a template can refer to.

Top-level names are the variables, a message's own before its send's; `person` and `brand` are always the service's own, and no variable
can take their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class PersonFields(Protocol):
    """What templates see of a person."""

    @property
    def person_id(self) -> str: ...
    @property
    def attributes(self) -> dict[str, object]: ...
    @property
    def email(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def locale(self) -> str | None: ...
    @property
    def time_zone(self) -> str | None: ...


def render_context(
    brand_id: str, person: PersonFields | None, campaign_variables: Mapping[str, object], variables: Mapping[str, object]
) -> dict[str, object]:
    """The names a template is rendered with. `person` has the attributes of the person, and over them the built-in fields."""
    return {
        **campaign_variables,
        **variables,
        "brand": {"id": brand_id},
        "person": {} if person is None else _person_context(person),
    }


def _person_context(person: PersonFields) -> dict[str, object]:
    built_in = {
        "id": person.person_id,
        "email": person.email,
        "phone": person.phone,
        "locale": person.locale,
        "time_zone": person.time_zone,
    }
    return {**person.attributes, **built_in}
