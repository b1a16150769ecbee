"""One-off messages, sequences and templates."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.support.api.callers import Caller
from tests.support.api.deliveries import MESSAGES
from tests.support.api.provoking.scene import Scene, Scenes, asks, in_brand, unknown
from tests.support.api.scenes import (
    FAR,
    instant,
    mail,
    ok,
    put_sequence,
    put_template,
    sequence,
    template_id,
)

ANA = {"person_id": "ana", "recipient": "ana@example.com"}


def message(brand: str, **more: Any) -> dict[str, Any]:
    """A good request for a message."""
    key = uuid4().hex
    return {
        "channel": "email", "template_key": "welcome", "brand_id": brand, **ANA, "dedup_key": key,
        **more,
    }  # fmt: skip


def scheduled(brand: str, **more: Any) -> dict[str, Any]:
    """The same for later."""
    return message(brand, scheduled_at=instant(FAR), **more)


async def _to_send(api: Caller, brand: str) -> dict[str, Any]:
    await put_template(api, brand)
    return message(brand)


async def _sent_before(api: Caller, brand: str) -> dict[str, Any]:
    request = await _to_send(api, brand)
    await ok(api, f"{MESSAGES}/SendMessage", request)
    return request


async def _of_no_template(api: Caller, brand: str) -> dict[str, Any]:
    return message(brand, template_key="nowhere")


async def _to_schedule(api: Caller, brand: str) -> dict[str, Any]:
    await put_template(api, brand)
    return scheduled(brand)


async def _without_address(api: Caller, brand: str) -> dict[str, Any]:
    return {**await _to_schedule(api, brand), "recipient": ""}


async def _scheduled(api: Caller, brand: str) -> dict[str, Any]:
    made = await ok(api, f"{MESSAGES}/ScheduleMessage", await _to_schedule(api, brand))
    return {"id": made["id"]}


async def _of_brand(api: Caller, brand: str) -> dict[str, Any]:
    await _scheduled(api, brand)
    return {"brand_id": brand}


async def _new_sequence(api: Caller, brand: str) -> dict[str, Any]:
    await put_template(api, brand)
    return sequence(brand)


async def _sequence_without_template(api: Caller, brand: str) -> dict[str, Any]:
    return sequence(brand, mail(0, template_key="no-such-template"))


async def _sequence(api: Caller, brand: str) -> dict[str, Any]:
    return {"id": await put_sequence(api, brand)}


async def _to_enroll(api: Caller, brand: str) -> dict[str, Any]:
    return {"id": await put_sequence(api, brand), "brand_id": brand, **ANA}


async def _enrolled(api: Caller, brand: str) -> dict[str, Any]:
    made = await ok(api, "comms.SequenceService/EnrollPerson", await _to_enroll(api, brand))
    return {"id": made["id"]}


def version(**more: Any) -> Scene:
    """A template with a variable in its version."""

    async def scene(api: Caller, brand: str) -> dict[str, Any]:
        made = await put_template(api, brand, body="Hello {{ name }}")
        return {"id": made["template_id"], **more}

    return scene


async def _new_template(api: Caller, brand: str) -> dict[str, Any]:
    return {"brand_id": brand, "key": uuid4().hex, "channel": "sms"}


async def _templates(api: Caller, brand: str) -> dict[str, Any]:
    await put_template(api, brand)
    await template_id(api, brand, "sms")
    return {"brand_id": brand}


SCENES: Scenes = {
    "POST /v1/messages/schedule": {201: _to_schedule, 422: _without_address},
    "POST /v1/messages/send": {200: _to_send, 409: _sent_before, 422: _of_no_template},
    "GET /v1/messages/recent": {200: _of_brand},
    "GET /v1/messages/scheduled": {200: _of_brand},
    "GET /v1/messages/scheduled/{id}": {200: _scheduled, 404: unknown()},
    "GET /v1/messages/{id}": {200: _scheduled, 404: unknown()},
    "POST /v1/admin/sla/sms-ping": {200: asks()},
    "POST /v1/sequences": {201: _new_sequence, 422: _sequence_without_template},
    "GET /v1/sequences/{id}": {200: _sequence, 404: unknown()},
    "POST /v1/sequences/{id}/enroll": {201: _to_enroll, 404: in_brand(id="no-such-id", **ANA)},
    "POST /v1/sequences/enrollments/{id}/cancel": {200: _enrolled, 404: unknown()},
    "GET /v1/messaging/templates": {200: _templates},
    "POST /v1/messaging/templates": {201: _new_template, 400: in_brand(key="welcome")},
    "POST /v1/messaging/templates/{id}/render": {
        200: version(payload={}),
        400: version(payload={}, strict=True),
        404: unknown(payload={}),
    },
    "GET /v1/messaging/templates/{id}/versions": {200: version()},
    "POST /v1/messaging/templates/{id}/versions": {
        201: version(body="Hello {{ name }}"),
        404: unknown(body="Hello {{ name }}"),
    },
}
