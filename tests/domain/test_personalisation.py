"""What templates can refer to."""

from __future__ import annotations

from server.domain.personalisation import render_context
from tests.storage import made

ANN = made.person("ann", attributes={"name": "Ann", "id": "fake", "email": "fake"})


def test_a_messages_variables_come_before_its_sends() -> None:
    context = render_context("brand", None, {"a": 1, "b": 1}, {"b": 2})
    assert (context["a"], context["b"]) == (1, 2)


def test_no_variable_takes_the_place_of_person_or_brand() -> None:
    fake = {"person": "fake", "brand": "fake"}
    context = render_context("brand", ANN, fake, fake)
    assert context["brand"] == {"id": "brand"}
    assert context["person"] != "fake"


def test_a_person_has_their_attributes_and_over_them_the_services_own_fields() -> None:
    assert render_context("brand", ANN, {}, {})["person"] == {
        "name": "Ann",
        "id": "ann",
        "email": "ann@example.com",
        "phone": "+12025550100",
        "locale": "de-DE",
        "time_zone": "Europe/Berlin",
    }


def test_somebody_nobody_knows_is_empty() -> None:
    assert render_context("brand", None, {}, {"person": {"id": "fake"}}) == {"brand": {"id": "brand"}, "person": {}}


def test_what_it_was_made_from_stays_as_it_was() -> None:
    variables: dict[str, object] = {"a": 1}
    render_context("brand", ANN, variables, variables)["a"] = 2
    assert variables == {"a": 1}
