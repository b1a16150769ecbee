"""People who share an address: one message at it, unless the campaign allows more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api.callers import Caller
from tests.support.api.deliveries import messages_of
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    comms_campaign,
    messaging_campaign,
    ok,
    put_person,
)

FACES = [COMMS, MESSAGING]
FAMILY = ("ann", "bob", "cem")
ADDRESSES = ("f@example.com", "F@example.com", " f@EXAMPLE.com", "dan@example.com")
FAMILY_AND_DAN = [
    {"person_id": person_id, "recipient": address}
    for person_id, address in zip((*FAMILY, "dan"), ADDRESSES, strict=True)
]
ONCE = {"ann": None, "bob": "duplicate", "cem": "duplicate", "dan": None}
EACH = dict.fromkeys(ONCE)


async def make(api: Caller, brand: str, face: str, **more: Any) -> str:
    """A draft; its id."""
    return await (
        comms_campaign(api, brand, **more)
        if face == COMMS
        else messaging_campaign(api, brand, **more)
    )


async def preview(api: Caller, face: str, request: dict[str, Any]) -> dict[str, Any]:
    return await ok(api, f"{face}/PreviewCampaign", request)


async def send(
    api: Caller, brand: str, face: str, request: dict[str, Any]
) -> dict[str, str | None]:
    """Sends; who was skipped for what."""
    body = await ok(
        api, f"{face}/{'SendCampaign' if face == COMMS else 'PublishCampaign'}", request
    )
    rows = await messages_of(api, brand_id=brand, send_id=body.get("send", body)["id"])
    return {row["person_id"]: row["failure_reason"] for row in rows}


async def put_family(api: Caller, brand: str) -> None:
    for person_id in FAMILY:
        await put_person(api, brand, person_id, email="F@example.com")
    await put_person(api, brand, "dan")


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("given", [True, False], ids=["recipients", "segment"])
async def test_an_address_gets_one_message_and_the_preview_says_so(
    idle_api: Caller, brand: str, face: str, given: bool
) -> None:
    await put_family(idle_api, brand)
    campaign_id = await make(idle_api, brand, face)
    whom: dict[str, Any] = {"recipients": FAMILY_AND_DAN} if given else {}
    found = await preview(idle_api, face, {"id": campaign_id, **whom})
    assert found["allow_shared_addresses"] is False
    assert (found["preview"]["total"], found["preview"]["would_send"]) == (4, 2)
    assert found["preview"]["skips"] == [{"reason": "duplicate", "count": 2}]
    assert {each["person_id"]: each["skip_reason"] for each in found["preview"]["sample"]} == ONCE
    assert (
        await send(idle_api, brand, face, {"id": campaign_id, **(whom or {"audience": "segment"})})
        == ONCE
    )


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("given", [True, False], ids=["recipients", "segment"])
async def test_a_campaign_may_allow_shared_addresses(
    idle_api: Caller, brand: str, face: str, given: bool
) -> None:
    await put_family(idle_api, brand)
    campaign_id = await make(idle_api, brand, face, allow_shared_addresses=True)
    whom: dict[str, Any] = {"recipients": FAMILY_AND_DAN} if given else {}
    found = await preview(idle_api, face, {"id": campaign_id, **whom})
    assert found["allow_shared_addresses"] is True
    assert (
        found["preview"]["total"],
        found["preview"]["would_send"],
        found["preview"]["skips"],
    ) == (4, 4, [])
    assert {each["person_id"]: each["skip_reason"] for each in found["preview"]["sample"]} == EACH
    assert (
        await send(idle_api, brand, face, {"id": campaign_id, **(whom or {"audience": "segment"})})
        == EACH
    )


@pytest.mark.parametrize("face", FACES)
async def test_an_update_turns_the_setting_on_and_off_and_leaves_it_otherwise(
    idle_api: Caller, brand: str, face: str
) -> None:
    campaign_id = await make(idle_api, brand, face)
    on, off = {"allow_shared_addresses": True}, {"allow_shared_addresses": False}
    changes: list[tuple[dict[str, Any], bool]] = [
        (on, True),
        ({"name": "other"}, True),
        (off, False),
        ({"name": "another"}, False),
    ]
    for change, now in changes:
        await ok(idle_api, f"{face}/UpdateCampaign", {"id": campaign_id, **change})
        assert (await preview(idle_api, face, {"id": campaign_id}))["allow_shared_addresses"] is now


async def test_the_preview_of_a_segment_counts_an_address_once(
    idle_api: Caller, brand: str
) -> None:
    await put_family(idle_api, brand)
    for channel, skips in (("email", [{"reason": "duplicate", "count": 2}]), ("in_app", [])):
        request = {"brand_id": brand, "predicate": {}, "channel": channel}
        assert (await ok(idle_api, "messaging.SegmentService/PreviewPredicate", request))[
            "audience"
        ]["skips"] == skips
