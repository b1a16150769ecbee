"""Campaigns of both faces, and the segments that they are sent to."""

from __future__ import annotations

from typing import Any

from tests.support.api.callers import Caller
from tests.support.api.provoking.scene import Scene, Scenes, in_brand, unknown
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    campaign_in,
    instant,
    put_person,
    put_segment,
    recipients,
    step,
)

TWO = recipients(2)
ENDLESS = [{"person_id": "ana", "recipient": f"{'a' * 600}@example.com"}]
LATER = instant(FAR)


def campaign(face: str, status: str = "draft", **more: Any) -> Scene:
    """A campaign of a face in a status."""

    async def scene(api: Caller, brand: str) -> dict[str, Any]:
        return {"id": await campaign_in(api, brand, face, status), **more}

    return scene


async def _to_segment(api: Caller, brand: str) -> dict[str, Any]:
    segment_id = await put_segment(api, brand)
    return {"brand_id": brand, "name": "news", "segment_id": segment_id}


async def _segment(api: Caller, brand: str) -> dict[str, Any]:
    await put_person(api, brand, "ana")
    return {"id": await put_segment(api, brand)}


async def _segments(api: Caller, brand: str) -> dict[str, Any]:
    await put_segment(api, brand)
    return {"brand_id": brand, "status": "active"}


async def _campaigns(api: Caller, brand: str) -> dict[str, Any]:
    await campaign_in(api, brand, MESSAGING, "draft")
    return {"brand_id": brand, "status": "draft"}


async def _step(api: Caller, brand: str) -> dict[str, Any]:
    campaign_id = await campaign_in(api, brand, MESSAGING, "draft")
    return {"id": campaign_id, **await step(api, brand, position=1, variables={"a": 1})}


async def _step_of_no_template(api: Caller, brand: str) -> dict[str, Any]:
    return await _step(api, brand) | {"template_id": "none"}


async def _step_of_a_campaign_that_goes_out(api: Caller, brand: str) -> dict[str, Any]:
    request = await _step(api, brand)
    return request | {"id": await campaign_in(api, brand, MESSAGING, "sending")}


SCENES: Scenes = {
    "POST /v1/admin/campaigns": {
        201: in_brand(name="news", subject="News", template_key="welcome"),
    },
    "GET /v1/admin/campaigns/{id}/history": {200: campaign(COMMS, "sending")},
    "POST /v1/admin/campaigns/{id}/send": {
        200: campaign(COMMS, recipients=TWO),
        404: unknown(recipients=TWO),
        409: campaign(COMMS, "cancelled", recipients=TWO),
    },
    "POST /v1/admin/campaigns/{id}/cancel": {200: campaign(COMMS), 404: unknown()},
    "GET /v1/messaging/campaigns": {200: _campaigns},
    "POST /v1/messaging/campaigns": {
        201: _to_segment,
        400: in_brand(name="news", segment_id="no-such-segment"),
    },
    "POST /v1/messaging/campaigns/{id}/publish": {
        202: campaign(MESSAGING, recipients=TWO),
        400: campaign(MESSAGING, recipients=ENDLESS),
        404: unknown(recipients=TWO),
        412: campaign(MESSAGING, "cancelled", recipients=TWO),
    },
    "POST /v1/messaging/campaigns/{id}/schedule": {
        200: campaign(MESSAGING, scheduled_at=LATER),
        404: unknown(scheduled_at=LATER),
        412: campaign(MESSAGING, "cancelled", scheduled_at=LATER),
    },
    "POST /v1/messaging/campaigns/{id}/steps": {
        201: _step,
        404: _step_of_no_template,
        412: _step_of_a_campaign_that_goes_out,
    },
    "GET /v1/messaging/segments": {200: _segments},
    "POST /v1/messaging/segments": {
        201: in_brand(name="everybody", predicate={}),
        400: in_brand(name="", predicate={}),
    },
    "POST /v1/messaging/segments/{id}/preview": {200: _segment, 404: unknown()},
}
