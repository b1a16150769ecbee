"""Whom publish and comms send go to: exactly those named, or the segment when it is asked for by
name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api.callers import METHODS, Caller, RestCaller, bind
from tests.support.api.deliveries import messages_of
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    comms_campaign,
    messaging_campaign,
    ok,
    put_person,
    recipients,
    until,
)

FACES = {COMMS: (f"{COMMS}/SendCampaign", 422), MESSAGING: (f"{MESSAGING}/PublishCampaign", 400)}


async def draft(api: Caller, brand: str, face: str) -> str:
    """A draft of a face, for whose audience there is somebody."""
    await put_person(api, brand, "ann")
    return await (comms_campaign(api, brand) if face == COMMS else messaging_campaign(api, brand))


@pytest.mark.parametrize("face", FACES)
async def test_the_segment_is_asked_for_by_name(idle_api: Caller, brand: str, face: str) -> None:
    method, _ = FACES[face]
    body = await ok(
        idle_api, method, {"id": await draft(idle_api, brand, face), "audience": "segment"}
    )
    send = body["send"] if face == COMMS else body
    assert send["total_recipients"] == 1
    assert [row["person_id"] for row in await messages_of(idle_api)] == ["ann"]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("audience", "field"),
    [
        ({}, "recipients"),
        ({"recipients": []}, "recipients"),
        ({"audience": "audience_unspecified"}, "recipients"),
        ({"recipients": recipients(1), "audience": "segment"}, "audience"),
    ],
    ids=["neither", "an empty list", "unspecified", "both"],
)
async def test_neither_or_both_are_refused(
    idle_api: Caller, brand: str, face: str, audience: dict[str, Any], field: str
) -> None:
    method, status = FACES[face]
    answer = await idle_api.call(method, {"id": await draft(idle_api, brand, face), **audience})
    assert (answer.status, answer.error, answer.fields) == (status, "validation_failed", {field})
    assert await messages_of(idle_api) == []


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("empty", ["[]", "[ ]", "[]" + " " * 2000, "null" + " " * 2000])
async def test_blanks_in_the_body_do_not_change_the_answer(
    idle: Running, brand: str, face: str, empty: str
) -> None:
    rest = RestCaller(idle.http, idle.token(brand))
    method, status = FACES[face]
    verb, path, _ = bind(METHODS[method], {"id": await draft(rest, brand, face)})
    headers = {"Authorization": f"Bearer {rest.token}", "Content-Type": "application/json"}
    response = await rest.client.request(
        verb, path, content=f'{{"recipients": {empty}}}', headers=headers
    )
    assert (response.status_code, response.json()["error"]) == (status, "validation_failed")
    assert await messages_of(rest) == []


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five recipients are more than are begun with at once."""
    monkeypatch.setattr("server.commands.sends.resolve_audience.BATCH", 2)
    monkeypatch.setattr("server.api.services.campaigns.BATCH", 2)


@pytest.mark.usefixtures("small_batches")
async def test_many_recipients_are_counted_at_once_and_each_gets_a_message(
    api: Caller, running: Running, brand: str
) -> None:
    named = recipients(5)
    named.append(named[0] | {"person_id": "same-address"})
    request = {"id": await draft(api, brand, MESSAGING), "recipients": named}
    send = await ok(api, f"{MESSAGING}/PublishCampaign", request)
    assert send["total_recipients"] == 6

    async def look() -> dict[str, Any]:
        return await ok(api, "messaging.SendService/GetSend", {"id": send["id"]})

    ended = await until(running, look, "status", "completed")
    assert (ended["sent_count"], ended["skipped_count"]) == (5, 1)
    rows = await messages_of(api, send_id=send["id"])
    assert {(row["person_id"], row["recipient"]) for row in rows} == {
        (each["person_id"], each["recipient"]) for each in named
    }


@pytest.mark.usefixtures("small_batches")
async def test_recipients_nobody_has_begun_with_are_cancelled_too(
    idle_api: Caller, brand: str
) -> None:
    campaign_id = await draft(idle_api, brand, MESSAGING)
    request = {"id": campaign_id, "recipients": recipients(5)}
    await ok(idle_api, f"{MESSAGING}/PublishCampaign", request)
    cancelled = await ok(idle_api, f"{MESSAGING}/CancelCampaign", {"id": campaign_id})
    assert cancelled["receipt"]["cancelled"] == 5


@pytest.mark.usefixtures("small_batches")
async def test_comms_refuses_any_of_many_who_cannot_be_reached(
    idle_api: Caller, brand: str
) -> None:
    named = [*recipients(4), {"person_id": "eve", "recipient": "nowhere"}]
    request = {"id": await draft(idle_api, brand, COMMS), "recipients": named}
    answer = await idle_api.call(f"{COMMS}/SendCampaign", request)
    assert (answer.status, answer.fields) == (422, {"recipients[4].recipient"})
    assert await messages_of(idle_api) == []
