"""The lifecycle table, every cell, over both transports and databases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    campaign,
    campaign_in,
    instant,
    recipients,
    until,
)

UNSENT = ("draft", "scheduled", "sending", "cancelled")

# operation → (status before → (HTTP status, status after)); a cell that is not here is refused and
# changes nothing.
TABLE: dict[tuple[str, str], dict[str, tuple[int, str]]] = {
    (MESSAGING, "ScheduleCampaign"): {"draft": (200, "scheduled"), "scheduled": (200, "scheduled")},
    (MESSAGING, "UnscheduleCampaign"): {"scheduled": (200, "draft")},
    (MESSAGING, "PublishCampaign"): {"draft": (202, "sending"), "scheduled": (202, "sending")},
    (MESSAGING, "UpdateCampaign"): {"draft": (200, "draft"), "scheduled": (200, "scheduled")},
    (MESSAGING, "DeleteCampaign"): {"draft": (200, "gone")},
    (MESSAGING, "CancelCampaign"): dict.fromkeys(UNSENT, (200, "cancelled")),
    (COMMS, "SendCampaign"): {"draft": (200, "sending"), "scheduled": (200, "sending")},
    (COMMS, "UpdateCampaign"): {"draft": (200, "draft"), "scheduled": (200, "scheduled")},
    (COMMS, "DeleteCampaign"): {"draft": (200, "gone")},
    (COMMS, "CancelCampaign"): dict.fromkeys(UNSENT, (200, "cancelled")),
}
REFUSED = {MESSAGING: 412, COMMS: 409}
CELLS = [(face, operation, before) for face, operation in TABLE for before in (*UNSENT, "sent")]


def request_for(operation: str, campaign_id: str) -> dict[str, Any]:
    """A good request of an operation."""
    more: dict[str, dict[str, Any]] = {
        "ScheduleCampaign": {"scheduled_at": instant(FAR)},
        "PublishCampaign": {"recipients": recipients(2)},
        "SendCampaign": {"recipients": recipients(2)},
        "UpdateCampaign": {"name": "another name"},
    }
    return {"id": campaign_id, **more.get(operation, {})}


@pytest.mark.parametrize(
    ("face", "operation", "before"), [cell for cell in CELLS if cell[2] != "sent"]
)
async def test_operation_in_status(
    idle_api: Caller, brand: str, face: str, operation: str, before: str
) -> None:
    campaign_id = await campaign_in(idle_api, brand, face, before)
    was = await campaign(idle_api, face, campaign_id)
    answer = await idle_api.call(f"{face}/{operation}", request_for(operation, campaign_id))
    allowed = TABLE[face, operation].get(before)
    if allowed is None:
        assert (answer.status, answer.error) == (REFUSED[face], "campaign_state")
        assert answer.body["details"] == {"status": before}
        assert await campaign(idle_api, face, campaign_id) == was
    elif allowed[1] == "gone":
        assert answer.status == 200
        assert (await idle_api.call(f"{face}/GetCampaign", {"id": campaign_id})).status == 404
    else:
        assert (answer.status, (await campaign(idle_api, face, campaign_id))["status"]) == allowed


@pytest.mark.parametrize(("face", "operation"), TABLE)
async def test_nothing_can_be_done_to_a_sent_campaign(
    running: Running, api: Caller, brand: str, face: str, operation: str
) -> None:
    campaign_id = await campaign_in(api, brand, face, "sent")
    was = await until(running, lambda: campaign(api, face, campaign_id), "status", "sent")
    answer = await api.call(f"{face}/{operation}", request_for(operation, campaign_id))
    assert (answer.status, answer.error) == (REFUSED[face], "campaign_state")
    assert await campaign(api, face, campaign_id) == was


@pytest.mark.parametrize("face", [COMMS, MESSAGING])
async def test_cancelling_again_gives_the_same_answer(
    idle_api: Caller, brand: str, face: str
) -> None:
    campaign_id = await campaign_in(idle_api, brand, face, "draft")
    first = await idle_api.call(f"{face}/CancelCampaign", {"id": campaign_id})
    again = await idle_api.call(f"{face}/CancelCampaign", {"id": campaign_id})
    assert (again.status, again.body) == (first.status, first.body) == (200, first.body)
