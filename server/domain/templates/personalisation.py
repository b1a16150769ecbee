"""Puts together what a template can refer to, in its order of precedence.

At top level stand the variables: a message's own before its campaign's, both before the defaults of
the template's schema; a null is as good as none. Four names are the service's own, and no variable
can take their place: `person`, whose built-in fields go before attributes of the same name,
`brand`, `campaign` and `unsubscribe_url`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from server.domain.contacts.person_fields import PersonFields
from storage.model.templates import TemplateVariable


class CampaignFields(Protocol):
    """What templates see of a campaign."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


def render_context(
    brand_id: str,
    person: PersonFields | None,
    *,
    schema: Sequence[TemplateVariable],
    campaign: CampaignFields | None = None,
    campaign_variables: Mapping[str, object] | None = None,
    variables: Mapping[str, object],
    unsubscribe_url: str | None = None,
) -> dict[str, object]:
    """The names a template is rendered with. Without a person or a campaign, what is asked of them
    is empty."""
    return {
        **{variable.name: variable.default for variable in schema if variable.default is not None},
        **_given(campaign_variables or {}),
        **_given(variables),
        "brand": {"id": brand_id},
        "person": _person_context(person) if person else {},
        "campaign": {"id": campaign.id, "name": campaign.name} if campaign else {},
        "unsubscribe_url": unsubscribe_url,
    }


def _given(variables: Mapping[str, object]) -> Mapping[str, object]:
    if not variables:
        return variables
    return {name: value for name, value in variables.items() if value is not None}


def _person_context(person: PersonFields) -> dict[str, object]:
    built_in = {
        "id": person.person_id,
        "email": person.email,
        "phone": person.phone,
        "locale": person.locale,
        "time_zone": person.time_zone,
    }
    return {**person.attributes, **built_in}
