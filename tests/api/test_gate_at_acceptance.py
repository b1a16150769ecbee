"""Who must not be contacted: what is scheduled for them is refused, and not stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_consents import put_consent
from tests.support.api.callers import Caller
from tests.support.api.deliveries import MESSAGES, messages_of, one_off, schedule
from tests.support.api.scenes import FAR, instant, ok, put_template
from tests.support.api.suppressing import suppress
from tests.support.api.untouched import PREFERENCES

SCHEDULE = f"{MESSAGES}/ScheduleMessage"
BATCH = f"{MESSAGES}/BatchScheduleMessages"
LATER = instant(FAR)


async def refusal(api: Caller, brand: str, way: str, **more: Any) -> str | None:
    """The code that a message is refused with; None: it was accepted. Alone, under an idempotency
    key, or in a batch."""
    request = one_off(brand, scheduled_at=LATER, **more)
    if way == "batch":
        del request["brand_id"]
        (outcome,) = (await ok(api, BATCH, {"brand_id": brand, "messages": [request]}))["outcomes"]
        return outcome["error"] and str(outcome["error"]["error"])
    key = request["dedup_key"] if way == "keyed" else None
    answer = await api.call(SCHEDULE, request, key=key)
    if answer.status == 201:
        return None
    assert answer.status == 422, answer
    return answer.error


@pytest.mark.parametrize("way", ["alone", "keyed", "batch"])
async def test_each_rule_of_the_gate_refuses_what_is_scheduled(
    idle_api: Caller, brand: str, way: str
) -> None:
    await put_template(idle_api, brand)
    news = {"brand_id": brand, "channel": "email", "key": "news", "category": "news"}
    await ok(idle_api, "messaging.TemplateService/CreateTemplate", news)
    await put_template(idle_api, brand, key="news")
    await schedule(idle_api, brand, dedup_key="before")
    await suppress(idle_api, brand, "gone@example.com", "hard_bounce")
    await suppress(idle_api, brand, "left@example.com", "unsubscribe")
    await put_consent(idle_api, brand, opted_in=False)
    off = {"brand_id": brand, "person_id": "bob", "channel": "email", "category": "news"}
    await ok(idle_api, f"{PREFERENCES}/PutPreference", off | {"enabled": False})
    for number, (more, expected) in enumerate(
        (
            ({"recipient": "Gone@example.com"}, "suppressed"),
            ({"recipient": "left@example.com"}, None),
            ({}, None),
            ({"template_key": "news", "person_id": "cy", "recipient": "cy@example.com"}, None),
            ({"template_key": "news", "recipient": "left@example.com"}, "suppressed"),
            ({"template_key": "news"}, "no_consent"),
            ({"template_key": "news", "person_id": "bob"}, "preference_off"),
        )
    ):
        found = await refusal(idle_api, brand, way, dedup_key=f"key-{number}", **more)
        assert found == expected, more
    assert len(await messages_of(idle_api)) == 4


async def test_a_repeat_finds_its_message_whatever_was_recorded_since(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    first = await schedule(idle_api, brand, scheduled_at=LATER)
    await suppress(idle_api, brand, "ann@example.com", "manual")
    assert await schedule(idle_api, brand, scheduled_at=LATER) == first
    assert await refusal(idle_api, brand, "alone", dedup_key="key-2") == "suppressed"
