"""Whom messages reach: suppressions, consents, preferences, inboxes and browsers."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.support.api.callers import Caller
from tests.support.api.provoking.scene import Scenes, asks, in_brand, unknown
from tests.support.api.scenes import ok
from tests.support.api.suppressing import SUPPRESSIONS
from tests.support.api.webhooks import bounce, webhook
from tests.support.channels.browser import Browser

BOUNCED = {"email": "gone@example.com", "reason": "hard_bounce", "source": "smtp"}
ANA = {"person_id": "ana"}
NEWS = {**ANA, "channel": "email", "category": "news"}
NOTIFICATION = {"patient_id": "tester", "kind": "result", "title": "New results"}
"""What a documented request must have, and no more, for the person of the caller's token."""
NEW_RESULTS = {"title": "New results", "body": "They are here"}


async def _suppressed(api: Caller, brand: str) -> dict[str, Any]:
    await ok(api, f"{SUPPRESSIONS}/CreateSuppression", {"brand_id": brand, **BOUNCED})
    return {"brand_id": brand, "email": "gone@example.com"}


async def _suppression(api: Caller, brand: str) -> dict[str, Any]:
    made = await ok(api, f"{SUPPRESSIONS}/CreateSuppression", {"brand_id": brand, **BOUNCED})
    return {"id": made["id"]}


async def _unsubscribed(api: Caller, brand: str) -> dict[str, Any]:
    await ok(api, "comms.ConsentService/RevokeConsent", {"brand_id": brand, **NEWS})
    return {"brand_id": brand, **ANA}


async def _preferring(api: Caller, brand: str) -> dict[str, Any]:
    unwanted = {"brand_id": brand, **NEWS, "enabled": False}
    await ok(api, "comms.PreferenceService/PutPreference", unwanted)
    return {"brand_id": brand, **ANA}


async def _own(api: Caller, brand: str) -> dict[str, Any]:
    request = {"brand_id": brand, **NOTIFICATION}
    made = await ok(api, "comms.NotificationService/CreateNotification", request)
    return {"id": made["id"]}


async def _own_list(api: Caller, brand: str) -> dict[str, Any]:
    await _own(api, brand)
    return {}


async def _inbox(api: Caller, brand: str) -> dict[str, Any]:
    await _own(api, brand)
    return {"person_id": "tester", "brand_id": brand, "limit": 10}


async def _items(api: Caller, brand: str) -> dict[str, Any]:
    return {"user_id": "tester", "ids": [(await _own(api, brand))["id"]]}


async def _browser(api: Caller, brand: str) -> dict[str, Any]:
    return Browser().registration(brand)


async def _browser_without_key(api: Caller, brand: str) -> dict[str, Any]:
    return {**Browser().registration(brand), "p256dh": "not-a-key"}


async def _pushed(api: Caller, brand: str) -> dict[str, Any]:
    patient = str(uuid4())
    registration = Browser().registration(brand, patient)
    await ok(api, "comms.PushService/CreatePushSubscription", registration)
    return {"patientId": patient, **NEW_RESULTS}


async def _email_event(api: Caller, brand: str) -> dict[str, Any]:
    return webhook(bounce(brand, "gone@example.com"))


async def _unsigned_event(api: Caller, brand: str) -> dict[str, Any]:
    return {**await _email_event(api, brand), "headers": {}}


SCENES: Scenes = {
    "POST /v1/suppressions": {
        200: in_brand(**BOUNCED),
        422: in_brand(**BOUNCED | {"source": ""}),
    },
    "GET /v1/suppressions/{email}": {200: _suppressed},
    "DELETE /v1/suppressions/{id}": {200: _suppression, 404: unknown()},
    "GET /v1/consents/{person_id}": {200: _unsubscribed},
    "PUT /v1/preferences": {
        200: in_brand(**NEWS, enabled=False),
        422: in_brand(**NEWS | {"category": ""}, enabled=False),
    },
    "GET /v1/preferences/{person_id}": {200: _preferring},
    "POST /v1/unsubscribe": {200: in_brand(**NEWS), 422: in_brand(**NEWS | {"category": ""})},
    "POST /v1/messaging/consent/check": {200: in_brand(**NEWS)},
    "POST /v1/admin/notifications": {201: in_brand(**NOTIFICATION)},
    "GET /v1/inbox/{person_id}": {200: _inbox},
    "POST /v1/inbox/{user_id}/bulk-archive": {200: _items, 422: asks(user_id="tester", ids=[])},
    "POST /v1/inbox/{user_id}/bulk-read": {200: _items, 422: asks(user_id="tester", ids=[])},
    "GET /v1/notifications": {200: _own_list},
    "GET /v1/notifications/unread-count": {200: _own_list},
    "POST /v1/notifications/{id}/read": {200: _own, 404: asks(id=str(uuid4()))},
    "POST /v1/push/send": {200: _pushed, 404: asks(patientId=str(uuid4()), **NEW_RESULTS)},
    "POST /v1/webhooks/email": {200: _email_event, 400: _unsigned_event},
    "POST /v1/push/subscriptions": {201: _browser, 422: _browser_without_key},
}
