"""Anybody's inbox, for services."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.api.test_notifications import notify
from tests.support.api.callers import Caller
from tests.support.api.deliveries import MESSAGES, ended, one_off, schedule
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    comms_campaign,
    messaging_campaign,
    ok,
    put_template,
)
from tests.support.api.untouched import INBOX, Untouched, put

LIST = f"{INBOX}/ListInboxItems"
READ = f"{INBOX}/BulkReadInboxItems"
ARCHIVE = f"{INBOX}/BulkArchiveInboxItems"


async def items(api: Caller, person_id: str = "ann") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await ok(api, LIST, {"person_id": person_id}))["data"]
    return found


async def updated(api: Caller, method: str, *ids: str, user_id: str = "ann") -> int:
    answer = await ok(api, method, {"user_id": user_id, "ids": list(ids)})
    assert set(answer) == {"updated"}
    return int(answer["updated"])


async def test_read_items_stay_and_archived_ones_leave(idle_api: Caller, brand: str) -> None:
    first, second, third = [(await notify(idle_api, brand))["id"] for _ in range(3)]
    assert await updated(idle_api, READ, first, second) == 2
    assert [item["read_at"] is not None for item in await items(idle_api)] == [False, True, True]
    assert await updated(idle_api, ARCHIVE, second) == 1
    assert [item["id"] for item in await items(idle_api)] == [third, first]
    archived = await ok(idle_api, LIST, {"person_id": "ann", "archived": True})
    assert [item["id"] for item in archived["data"]] == [second]


async def test_an_in_app_message_is_of_its_category_and_leads_where_its_variables_say(
    api: Caller, brand: str
) -> None:
    about = {"brand_id": brand, "channel": "in_app", "key": "welcome", "category": "care-team"}
    await ok(api, "messaging.TemplateService/CreateTemplate", about)
    await put_template(api, brand, "in_app", subject="News")
    in_app = {"channel": "in_app", "recipient": "ann"}
    bad = {"action_url": "javascript:alert(1)", "metadata": "x"}
    for method, reason in (("Schedule", "validation_failed"), ("Send", "variables_invalid")):
        refused = one_off(brand, **in_app, variables=bad)
        if method == "Send":
            del refused["scheduled_at"]
        answer = await api.call(f"{MESSAGES}/{method}Message", refused)
        assert (answer.status, answer.error) == (422, reason)
        assert answer.fields == {"variables.action_url", "variables.metadata"}
    to_send = {"id": await comms_campaign(api, brand, channel="in_app", variables=bad)}
    version = await put_template(api, brand, "in_app", subject="News")
    step = {
        "id": await messaging_campaign(api, brand),
        "position": 9,
        "template_id": version["template_id"],
        "template_version_id": version["id"],
        "variables": bad,
    }
    ann = {"person_id": "ann", "recipient": "ann"}
    for method, request in (
        (f"{COMMS}/SendCampaign", {**to_send, "recipients": [ann]}),
        (f"{MESSAGING}/CreateCampaignStep", step),
    ):
        answer = await api.call(method, request)
        assert (answer.error, answer.fields) == (
            "validation_failed",
            {"variables.action_url", "variables.metadata"},
        )
    metadata = {"team": 7}
    good = {"action_url": "/care/7", "metadata": metadata}
    accepted = await schedule(api, brand, **in_app, variables=good)
    assert (await ended(api, accepted["id"]))["status"] == "sent"
    (item,) = await items(api)
    assert (item["category"], item["action_url"]) == ("care-team", "/care/7")


async def test_only_what_changes_is_counted(idle_api: Caller, brand: str) -> None:
    for method in (READ, ARCHIVE):
        hers = (await notify(idle_api, brand, "ann"))["id"]
        his = (await notify(idle_api, brand, "bob"))["id"]
        ids = (hers, hers.upper(), his, str(uuid4()))
        assert await updated(idle_api, method, *ids) == 1
        assert await updated(idle_api, method, *ids) == 0
        assert await updated(idle_api, method, his, user_id="bob") == 1


async def test_an_item_of_another_brand_is_unknown(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    item = (await notify(idle_api, brand))["id"]
    other = idle.token(f"other-{brand}")
    for method in (READ, ARCHIVE):
        answer = await idle_api.call(method, {"user_id": "ann", "ids": [item]}, token=other)
        assert (answer.status, answer.body) == (200, {"updated": 0})
    assert [each["read_at"] for each in await items(idle_api)] == [None]


async def test_a_call_is_about_1_to_100_uuids(untouched: Untouched) -> None:
    for method in (READ, ARCHIVE):
        good = untouched.good(method)
        for bad in ([], [str(uuid4()) for _ in range(101)]):
            await untouched.refuses_field(method, put(good, "ids", bad), "ids")
        await untouched.refuses_field(method, put(good, "ids", [str(uuid4()), "x"]), "ids[1]")


async def test_a_hundred_at_once(idle_api: Caller, brand: str) -> None:
    ids = [str(uuid4()) for _ in range(99)]
    ids.append((await notify(idle_api, brand))["id"])
    assert await updated(idle_api, READ, *ids) == 1


async def test_limit_is_the_page_size_under_another_name(idle_api: Caller, brand: str) -> None:
    for _ in range(3):
        await notify(idle_api, brand)
    for name in ("limit", "page_size"):
        page = await ok(idle_api, LIST, {"person_id": "ann", name: 2})
        assert (len(page["data"]), page["next_page_token"] != "") == (2, True)
    answer = await idle_api.call(LIST, {"person_id": "ann", "limit": 1, "page_size": 1})
    assert (answer.status, answer.fields) == (422, {"page_size"})
