"""What a token sees of people without the scope for it: nothing that tells of one."""

from __future__ import annotations

from typing import Any

import pytest

from server.api.policies import all_scopes
from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    TEMPLATES,
    comms_campaign,
    messaging_campaign,
    ok,
    put_person,
    put_segment,
    template_id,
)

SEGMENTS = "messaging.SegmentService"
PEOPLE = 7


@pytest.fixture
def blind(idle: Running, brand: str) -> str:
    """A token that allows everything but seeing people."""
    return idle.token(brand, scopes=[each for each in all_scopes() if each != "read:people"])


async def put_people(api: Caller, brand: str) -> None:
    for number in range(PEOPLE):
        plan = "gold" if number == 0 else "free"
        await put_person(api, brand, f"P-{number}", attributes={"plan": plan})


async def asked(api: Caller, method: str, request: dict[str, Any], token: str) -> dict[str, Any]:
    answer = await api.call(method, request, token=token)
    assert answer.status == 200, answer
    body: dict[str, Any] = answer.body
    return body


async def test_a_segment_tells_of_no_person(idle_api: Caller, brand: str, blind: str) -> None:
    await put_people(idle_api, brand)
    everybody = await put_segment(idle_api, brand)
    gold = await put_segment(idle_api, brand, {"==": [{"var": "plan"}, "gold"]})
    for segment, people, shown in ((everybody, PEOPLE, 5), (gold, 1, 0)):
        request = {"id": segment, "channel": "in_app"}
        seen = await ok(idle_api, f"{SEGMENTS}/PreviewSegment", request)
        assert (seen["count"], len(seen["sample_ids"]), seen["rounded"]) == (people, people, False)
        told = await asked(idle_api, f"{SEGMENTS}/PreviewSegment", request, blind)
        assert (told["count"], told["sample_ids"], told["rounded"]) == (shown, [], True)
        assert told["audience"]["rounded"]
        assert told["audience"]["sample"] == []
        assert told["audience"]["total"] == shown


@pytest.mark.parametrize("face", [COMMS, MESSAGING])
async def test_a_campaign_tells_of_no_person(
    idle_api: Caller, brand: str, blind: str, face: str
) -> None:
    campaign = await (comms_campaign if face == COMMS else messaging_campaign)(idle_api, brand)
    await put_people(idle_api, brand)
    request = {"id": campaign}
    seen = (await ok(idle_api, f"{face}/PreviewCampaign", request))["preview"]
    assert seen["total"] >= PEOPLE
    assert len(seen["sample"]) == seen["total"]
    told = (await asked(idle_api, f"{face}/PreviewCampaign", request, blind))["preview"]
    assert (told["sample"], told["rounded"]) == ([], True)
    assert told["total"] == told["would_send"] + sum(skip["count"] for skip in told["skips"])
    assert [told["would_send"] % 5, *(skip["count"] % 5 for skip in told["skips"])] == [0] * (
        1 + len(told["skips"])
    )


async def test_a_template_is_previewed_without_a_person(
    idle_api: Caller, brand: str, blind: str
) -> None:
    await put_people(idle_api, brand)
    request = {"id": await template_id(idle_api, brand), "payload": {}}
    version = {"id": request["id"], "body": "{{ person.plan }}"}
    await ok(idle_api, f"{TEMPLATES}/CreateTemplateVersion", version)
    told = await asked(idle_api, f"{TEMPLATES}/RenderTemplate", request, blind)
    assert told["body"] == ""
    of_a_person = {**request, "person_id": "P-0"}
    assert (await ok(idle_api, f"{TEMPLATES}/RenderTemplate", of_a_person))["body"] == "gold"
    answer = await idle_api.call(f"{TEMPLATES}/RenderTemplate", of_a_person, token=blind)
    assert (answer.status, answer.body["details"]) == (403, {"scope": "read:people"})
