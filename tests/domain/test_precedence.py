"""What templates can refer to, and what goes before what."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from server.domain.templates.personalisation import render_context
from server.domain.templates.variables import RESERVED_NAMES
from storage.model.templates import TemplateVariable


@dataclass
class Somebody:
    person_id: str = "ann"
    attributes: dict[str, object] = field(default_factory=dict)
    email: str | None = "ann@example.com"
    phone: str | None = None
    locale: str | None = "pt-BR"
    time_zone: str | None = None


@dataclass
class News:
    id: str = "c1"
    name: str = "Spring"


@pytest.mark.parametrize(
    ("default", "campaign", "message", "seen"),
    [
        ("d", "c", "m", "m"),
        ("d", "c", None, "c"),
        ("d", None, None, "d"),
        (None, "c", None, "c"),
        ("d", None, "m", "m"),
        ("d", "", None, ""),
        ("d", "c", False, False),
        ("d", 0, None, 0),
    ],
)
def test_message_goes_before_campaign_goes_before_default_and_null_is_none(
    default: object, campaign: object, message: object, seen: object
) -> None:
    schema = [TemplateVariable("x", default=default)]
    assert (
        render_context(
            "b", None, schema=schema, campaign_variables={"x": campaign}, variables={"x": message}
        )["x"]
        == seen
    )
    given = {} if message is None else {"x": message}
    more = {} if campaign is None else {"x": campaign}
    assert (
        render_context("b", None, schema=schema, campaign_variables=more, variables=given)["x"]
        == seen
    )


def test_built_in_fields_of_a_person_go_before_attributes_even_when_they_are_empty() -> None:
    person = Somebody(
        attributes={"first_name": "Ann", "email": "forged@example.com", "phone": "+1"}
    )
    assert render_context("b", person, schema=(), variables={})["person"] == {
        "first_name": "Ann",
        "id": "ann",
        "email": "ann@example.com",
        "phone": None,
        "locale": "pt-BR",
        "time_zone": None,
    }


def test_no_variable_takes_the_place_of_a_name_of_the_service() -> None:
    forged = dict.fromkeys(RESERVED_NAMES, "forged")
    schema = [TemplateVariable(name, default="forged") for name in RESERVED_NAMES]
    context = render_context(
        "b",
        Somebody(),
        schema=schema,
        campaign=News(),
        campaign_variables=forged,
        variables=forged,
        unsubscribe_url="https://u.example",
    )
    assert context.keys() == RESERVED_NAMES
    assert (context["brand"], context["campaign"], context["unsubscribe_url"]) == (
        {"id": "b"},
        {"id": "c1", "name": "Spring"},
        "https://u.example",
    )
    assert "forged" not in str(context)


def test_without_a_person_or_campaign_theirs_is_empty() -> None:
    context = render_context("b", None, schema=(), variables={})
    assert context == {"brand": {"id": "b"}, "person": {}, "campaign": {}, "unsubscribe_url": None}
