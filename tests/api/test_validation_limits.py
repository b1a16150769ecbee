"""Values at their very limit are accepted and come back as they were."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from server.domain.criteria.operands import STRING_LENGTH
from server.domain.templates.rendering import MAX_SOURCE_CHARACTERS
from server.domain.validation import OBJECT_BYTES
from tests.rules.limits import (
    ADDRESS_LENGTH,
    BODY_LENGTH,
    DESCRIPTION_LENGTH,
    ID_LENGTH,
    NAME_LENGTH,
    PUSH_TOKENS,
    SUBJECT_LENGTH,
)
from tests.support.api.callers import Caller
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    TEMPLATES,
    instant,
    ok,
    put_segment,
    put_template,
    step,
)
from tests.support.api.untouched import MESSAGES, PEOPLE, SEGMENTS

LONGEST_EMAIL = f"{'a' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 61}"
"""254 bytes, RFC 5321 4.5.3.1.3 without the angle brackets."""
LARGEST = {"a": "x" * (OBJECT_BYTES - len('{"a": ""}'))}


async def test_campaigns(idle_api: Caller, brand: str) -> None:
    longest = {
        "brand_id": brand, "name": "é" * NAME_LENGTH, "subject": "日" * SUBJECT_LENGTH,
        "channel": "in_app",
        "template_key": "k" * ID_LENGTH, "variables": LARGEST,
    }  # fmt: skip
    campaign = (await ok(idle_api, f"{COMMS}/CreateCampaign", longest))["campaign"]
    assert {name: campaign[name] for name in longest} == longest
    longest = {
        "brand_id": brand, "name": "é" * NAME_LENGTH,
        "description": "line\n" * (DESCRIPTION_LENGTH // 5),
        "segment_id": await put_segment(idle_api, brand),
    }  # fmt: skip
    campaign = await ok(idle_api, f"{MESSAGING}/CreateCampaign", longest)
    assert {name: campaign[name] for name in longest} == longest
    await put_template(idle_api, brand)
    most: dict[str, Any] = {"position": 2**31 - 1, "delay_minutes": 2**31 - 1, "variables": LARGEST}
    request = {"id": campaign["id"], **await step(idle_api, brand, **most)}
    made = await ok(idle_api, f"{MESSAGING}/CreateCampaignStep", request)
    assert {name: made[name] for name in most} == most


async def test_messages(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    longest = {
        "brand_id": brand, "channel": "email", "template_key": "welcome",
        "person_id": "日" * ID_LENGTH, "recipient": LONGEST_EMAIL,
        "dedup_key": "ü" * NAME_LENGTH,
    }  # fmt: skip
    request = {**longest, "variables": LARGEST, "hipaa": True, "scheduled_at": instant(FAR)}
    message = await ok(idle_api, f"{MESSAGES}/ScheduleMessage", request)
    assert {name: message[name] for name in longest} == longest
    found = (
        await ok(
            idle_api,
            f"{MESSAGES}/ListMessages",
            {"brand_id": brand, "dedup_key": longest["dedup_key"]},
        )
    )["data"]
    assert found == [message]


async def test_people_and_segments(idle_api: Caller, brand: str) -> None:
    longest: dict[str, Any] = {
        "brand_id": brand, "person_id": "日" * ID_LENGTH, "attributes": LARGEST,
        "email": LONGEST_EMAIL,
        "phone": "+491234567890123", "push_tokens": ["t" * ADDRESS_LENGTH] * PUSH_TOKENS,
        "locale": "zh-Hant-TW", "time_zone": "America/Argentina/ComodRivadavia",
    }  # fmt: skip
    await ok(idle_api, f"{PEOPLE}/PutPerson", longest)
    person = await ok(
        idle_api, f"{PEOPLE}/GetPerson", {"brand_id": brand, "person_id": longest["person_id"]}
    )
    assert {name: person[name] for name in longest} == longest
    criteria = {"==": [{"var": "a"}, "x" * STRING_LENGTH]}
    segment = await ok(
        idle_api,
        f"{SEGMENTS}/CreateSegment",
        {"brand_id": brand, "name": "é" * NAME_LENGTH, "predicate": criteria},
    )
    assert (segment["name"], segment["predicate"]) == ("é" * NAME_LENGTH, criteria)


async def test_templates(idle_api: Caller, brand: str) -> None:
    size = min(BODY_LENGTH, MAX_SOURCE_CHARACTERS)
    named = {"key": "k" * ID_LENGTH, "description": "é" * DESCRIPTION_LENGTH, "category": "c" * 64}
    request = {"brand_id": brand, "channel": "email", **named}
    template = await ok(idle_api, f"{TEMPLATES}/CreateTemplate", request)
    assert {name: template[name] for name in named} == named
    longest = {
        "subject": "é" * SUBJECT_LENGTH, "body": "line\n" * (size // 5),
        "html": "<p>\n" * (size // 4),
    }  # fmt: skip
    request = {"id": template["id"], **longest}
    version = await ok(idle_api, f"{TEMPLATES}/CreateTemplateVersion", request)
    assert {name: version[name] for name in longest} == longest


async def test_times(idle_api: Caller, brand: str) -> None:
    await put_template(idle_api, brand)
    request = {
        "brand_id": brand,
        "channel": "email",
        "template_key": "welcome",
        "person_id": "ana",
        "recipient": "ana@example.com",
    }
    for scheduled_at, shown in (
        (instant(timedelta(seconds=-30)), None),
        (instant(timedelta(days=3650)), None),
        ("2031-01-31T12:00:00+05:30", "2031-01-31T06:30:00Z"),
        ("2031-01-31T12:00:00.123456789Z", "2031-01-31T12:00:00.123456Z"),
    ):
        message = await ok(
            idle_api,
            f"{MESSAGES}/ScheduleMessage",
            {**request, "dedup_key": uuid4().hex, "scheduled_at": scheduled_at},
        )
        assert message["scheduled_at"] == (shown or scheduled_at)
