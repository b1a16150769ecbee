"""Each documented operation, every documented status, over both transports: exactly the documented
body."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api.answers import Answer
from tests.support.api.callers import METHODS, Caller, caller
from tests.support.api.documented import (
    CLOSED,
    DOCUMENTED,
    METHOD_OF,
    OPERATIONS,
    ours,
    validate,
)
from tests.support.api.faults import FaultyStorage
from tests.support.api.provoking import campaigns, contacts, messages
from tests.support.api.provoking.messages import scheduled
from tests.support.api.provoking.scene import Scene, Scenes
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    campaign,
    campaign_in,
    comms_campaign,
    instant,
    put_template,
    recipients,
    until,
)

SEND = "POST /v1/admin/campaigns/{id}/send"
CANCEL = "POST /v1/admin/campaigns/{id}/cancel"
PUBLISH = "POST /v1/messaging/campaigns/{id}/publish"
SCHEDULE = "POST /v1/messaging/campaigns/{id}/schedule"
MESSAGE = "POST /v1/messages/schedule"
SCENES: Scenes = campaigns.SCENES | messages.SCENES | contacts.SCENES
ALIKE = (403, 500)
"""Statuses that the request that succeeds gets too: of a token that names no brand, of a service
that fails."""


def test_every_documented_operation_has_a_method() -> None:
    assert len(OPERATIONS) == 46
    assert set(METHOD_OF) == set(OPERATIONS)


def test_closed_answers_have_no_key_of_ours() -> None:
    for operation in CLOSED:
        answer = METHODS[METHOD_OF[operation]].output_type
        inner = [field.message_type for field in answer.fields if field.message_type]
        assert not any(map(ours, [answer, *inner])), operation


def test_every_documented_status_has_a_scene() -> None:
    given = {(operation, status) for operation, scenes in SCENES.items() for status in scenes}
    assert given | {each for each in DOCUMENTED if each[1] in ALIKE} == DOCUMENTED


def scene_of(operation: str, status: int) -> Scene:
    """What provokes a status."""
    scenes = SCENES[operation]
    return scenes.get(status) or scenes[min(scenes)]


async def test_every_documented_status_is_answered_as_documented(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    for operation, status in sorted(DOCUMENTED):
        if status == 500:
            continue
        token = idle.token() if status in ALIKE else None
        request = await scene_of(operation, status)(idle_api, brand)
        answer = await idle_api.call(METHOD_OF[operation], request, token=token)
        assert answer.status == status, (operation, answer)
        validate(operation, status, answer.body)


async def test_a_fault_is_told_by_its_id_alone(
    faulty: tuple[Running, FaultyStorage],
    transport: str,
    brand: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    running, storage = faulty
    api = caller(transport, running, brand)
    for operation, status in sorted(DOCUMENTED):
        if status != 500:
            continue
        request = await scene_of(operation, status)(api, brand)
        with storage.failing_with(RuntimeError("secret: INSERT INTO messages at /srv/carillon")):
            answer = await api.call(METHOD_OF[operation], request)
        assert answer.status == 500, (operation, answer)
        validate(operation, 500, answer.body)
        error_id = answer.body["details"]["error_id"]
        assert answer.body == {
            "error": "internal",
            "message": "the service failed; the error_id finds the cause in its log",
            "details": {"error_id": error_id},
        }
        levels = [each.levelname for each in caplog.records if error_id in each.getMessage()]
        assert levels == ["ERROR"], operation


async def test_times_that_are_set_are_instants(running: Running, api: Caller, brand: str) -> None:
    campaign_id = await comms_campaign(
        api, brand, scheduled_at=instant(FAR), segment_criteria={}, variables={"n": 1}
    )
    answer = await api.call(f"{COMMS}/CancelCampaign", {"id": campaign_id})
    validate(CANCEL, 200, answer.body)
    assert answer.body["campaign"]["scheduled_at"]
    assert answer.body["campaign"]["cancelled_at"]
    sent_id = await campaign_in(api, brand, MESSAGING, "sent")
    sent = await until(running, lambda: campaign(api, MESSAGING, sent_id), "status", "sent")
    validate(SCHEDULE, 200, sent)
    assert sent["published_at"] <= sent["sent_at"]


async def test_counts_that_are_not_zero_are_numbers(
    running: Running, api: Caller, brand: str
) -> None:
    campaign_id = await campaign_in(api, brand, MESSAGING, "draft")
    ana = {"person_id": "ana", "recipient": "ana@example.com"}
    request = {"id": campaign_id, "recipients": [ana, ana, {"person_id": "bo", "recipient": ""}]}
    answer = await api.call(METHOD_OF[PUBLISH], request)
    validate(PUBLISH, 202, answer.body)
    assert (answer.body["total_recipients"], answer.body["skipped_count"]) == (3, 2)

    async def look() -> dict[str, Any]:
        found: Answer = await api.call("messaging.SendService/GetSend", {"id": answer.body["id"]})
        body: dict[str, Any] = found.body
        return body

    send = await until(running, look, "status", "completed")
    validate(PUBLISH, 202, send)
    assert (
        send["sent_count"] + send["failed_count"] + send["skipped_count"]
        == send["total_recipients"]
        == 3
    )


async def test_dedup_key_of_another_request_is_the_documented_422(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    first = scheduled(brand)
    assert (await idle_api.call(METHOD_OF[MESSAGE], first)).status == 201
    answer = await idle_api.call(METHOD_OF[MESSAGE], first | {"person_id": "bo"})
    assert (answer.status, answer.error) == (422, "dedup_key_reused")
    validate(MESSAGE, 422, answer.body)


async def test_sending_a_sent_campaign_is_the_documented_409(
    running: Running, api: Caller, brand: str
) -> None:
    campaign_id = await campaign_in(api, brand, COMMS, "sent")
    await until(running, lambda: campaign(api, COMMS, campaign_id), "status", "sent")
    answer = await api.call(METHOD_OF[SEND], {"id": campaign_id, "recipients": recipients(1)})
    assert answer.status == 409
    validate(SEND, 409, answer.body)
