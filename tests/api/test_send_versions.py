"""A newer version for the rest of a paused send."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.api.callers import Caller
from tests.support.api.deliveries import SENDS, messages_of, report
from tests.support.api.operating import (
    MARKETING_CONCURRENCY,
    Operated,
    Stuck,
    audited,
    message_of,
    publish,
)
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    TEMPLATES,
    comms_campaign,
    messaging_campaign,
    ok,
    put_template,
    recipients,
    template_id,
)

CHANGE = f"{SENDS}/ChangeSendVersion"


async def paused(api: Caller, brand: str, **more: Any) -> str:
    """A send of a comms campaign to two people that is paused; its id."""
    campaign_id = await comms_campaign(api, brand, **more)
    sent = await ok(api, f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": recipients(2)})
    send_id = str(sent["send"]["id"])
    await ok(api, f"{SENDS}/PauseSend", {"id": send_id})
    return send_id


async def versions(api: Caller, send_id: str) -> list[tuple[str, int, int]]:
    """Status, version and count of the rows of the report."""
    rows = (await report(api, send_id))["rows"]
    return [(row["status"], row["template_version"], row["count"]) for row in rows]


async def test_the_rest_says_the_newer_version_and_what_went_out_keeps_its_own(
    operated: Operated, operator: Caller, brand: str
) -> None:
    people = recipients(12)
    stuck = Stuck(operated, people, passing=2)
    send_id = (await publish(operator, brand, people))["id"]
    await stuck.holds(MARKETING_CONCURRENCY)
    pausing = asyncio.ensure_future(ok(operator, f"{SENDS}/PauseSend", {"id": send_id}))
    await operated.when(send_id, "paused_at")
    stuck.let_go()
    await pausing
    newer = (await put_template(operator, brand, body="Mended"))["id"]
    changed = await ok(operator, CHANGE, {"id": send_id, "version_id": newer})
    assert (changed["send"]["id"], changed["template_version"]) == (send_id, 2)
    assert await versions(operator, send_id) == [("pending", 2, 6), ("sent", 1, 6)]
    assert await audited(operator, send_id, "send_version_changed") == [
        ("send_version_changed", {"version_id": newer, "version_number": 2})
    ]
    await ok(operator, f"{SENDS}/ResumeSend", {"id": send_id})
    await operated.ended(operator, send_id)
    assert await versions(operator, send_id) == [("sent", 1, 6), ("sent", 2, 6)]
    said = {each.address: each.body for each in operated.provider.calls}
    bodies = [said[person["recipient"]] for person in people]
    assert sorted(bodies) == ["Hello you"] * 6 + ["Mended"] * 6
    for person in people:
        message_id = (await message_of(operator, send_id, person))["id"]
        told = await ok(operator, "comms.MessageService/GetMessageTimeline", {"id": message_id})
        body = said[person["recipient"]]
        assert told["content"]["body"] == body
        assert told["template_version"] == (2 if body == "Mended" else 1)


async def test_only_a_paused_send_takes_another_version(idle_api: Caller, brand: str) -> None:
    send_id = await paused(idle_api, brand)
    newer = (await put_template(idle_api, brand))["id"]
    refused = []
    for verb in ("ResumeSend", "CancelSend"):
        await ok(idle_api, f"{SENDS}/{verb}", {"id": send_id})
        answer = await idle_api.call(CHANGE, {"id": send_id, "version_id": newer})
        refused.append((answer.status, answer.error, answer.body["details"]["status"]))
    assert refused == [(412, "send_state", "sending"), (412, "send_state", "cancelled")]
    assert {version for _, version, _ in await versions(idle_api, send_id)} == {1}


async def test_the_version_is_a_newer_one_of_the_template_that_fits(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    first = (await put_template(idle_api, brand))["id"]
    send_id = await paused(idle_api, brand)
    template = await template_id(idle_api, brand)
    has = (await ok(idle_api, f"{TEMPLATES}/GetTemplate", {"id": template}))["current_version_id"]
    wrong = {
        "the one it has": has,
        "older": first,
        "of another template": (await put_template(idle_api, brand, key="other"))["id"],
        "of another channel": (await put_template(idle_api, brand, "sms"))["id"],
        "does not fit": (await put_template(idle_api, brand, body="{{ a }} {{ b }}"))["id"],
        "none": "no-such-version",
    }
    for why, version_id in wrong.items():
        answer = await idle_api.call(CHANGE, {"id": send_id, "version_id": version_id})
        assert (answer.status, answer.error, answer.fields) == (
            400,
            "validation_failed",
            {"version_id"},
        ), why
        named = len(answer.body["details"]["fields"])
        assert named == (2 if why == "does not fit" else 1), answer
    good = (await put_template(idle_api, brand))["id"]
    answer = await idle_api.call(
        CHANGE, {"id": send_id, "version_id": good}, token=idle.token(f"other-{brand}")
    )
    assert (answer.status, answer.error) == (404, "send_not_found")
    await ok(idle_api, f"{TEMPLATES}/ArchiveTemplate", {"id": template})
    answer = await idle_api.call(CHANGE, {"id": send_id, "version_id": good})
    assert (answer.status, answer.fields) == (400, {"version_id"})
    assert await versions(idle_api, send_id) == [("pending", 2, 2)]


async def test_the_steps_of_the_template_take_the_version_each_if_it_fits(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand, key="later")
    steps: list[dict[str, Any]] = [
        {},
        {"key": "later"},
        {"key": "later", "variables": {"news": "moved"}},
    ]
    campaign_id = await messaging_campaign(idle_api, brand, steps=steps)
    publish = {"id": campaign_id, "recipients": recipients(2)}
    send_id = (await ok(idle_api, f"{MESSAGING}/PublishCampaign", publish))["id"]
    await ok(idle_api, f"{SENDS}/PauseSend", {"id": send_id})
    needy = (await put_template(idle_api, brand, key="later", body="{{ news }}"))["id"]
    answer = await idle_api.call(CHANGE, {"id": send_id, "version_id": needy})
    assert (answer.status, answer.fields) == (400, {"version_id"})
    assert len(answer.body["details"]["fields"]) == 1
    newer = (await put_template(idle_api, brand, key="later"))["id"]
    changed = await ok(idle_api, CHANGE, {"id": send_id, "version_id": newer})
    assert changed["template_version"] == 3
    listed = await ok(idle_api, f"{MESSAGING}/ListCampaignSteps", {"id": campaign_id})
    versions_of_steps = [step["template_version_id"] for step in listed["items"]]
    assert versions_of_steps[1:] == [newer, newer] != versions_of_steps[:1] * 2
    assert await versions(idle_api, send_id) == [("pending", 1, 2)]
    message_id = (await messages_of(idle_api, send_id=send_id))[0]["id"]
    told = await ok(idle_api, "comms.MessageService/GetMessageTimeline", {"id": message_id})
    about = ("campaign_id", "step", "template_version", "sequence_id")
    assert [told[name] for name in about] == [campaign_id, 0, 1, None]
