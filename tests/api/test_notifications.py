"""Notifications: services put them there, and people read their own."""

from __future__ import annotations

from typing import Any

from server.api.policies import scopes_of_people
from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import ok, put_person
from tests.support.api.untouched import INBOX, NOTIFICATIONS, Untouched, put

CREATE = f"{NOTIFICATIONS}/CreateNotification"
LIST = f"{NOTIFICATIONS}/ListNotifications"
COUNT = f"{NOTIFICATIONS}/GetUnreadCount"
READ = f"{NOTIFICATIONS}/ReadNotification"


async def notify(api: Caller, brand: str, patient: str = "ann", **more: Any) -> dict[str, Any]:
    """Puts a notification into somebody's inbox."""
    request = {"brand_id": brand, "patient_id": patient, "kind": "result", "title": "News", **more}
    return await ok(api, CREATE, request)


def token_of(running: Running, brand: str, subject: str) -> str:
    """A token of a person."""
    running.token(brand)
    return running.service.keys.tokens.mint(subject, [brand], scopes_of_people(), is_person=True)


async def call(api: Caller, method: str, token: str, **request: Any) -> dict[str, Any]:
    answer = await api.call(method, request, token=token)
    assert answer.status == 200, answer
    body: dict[str, Any] = answer.body
    return body


async def own(api: Caller, token: str) -> list[str]:
    """Titles of the notifications of the person of a token."""
    return [each["title"] for each in (await call(api, LIST, token))["data"]]


async def test_a_notification_is_the_persons_as_it_was_given(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    given: dict[str, Any] = {
        "kind": "lab result", "title": "Olá Zoë", "body": "Two\nlines", "link": "app://results/7",
        "metadata": {"number": 5, "nested": {"list": [1.5, None, True]}},
    }  # fmt: skip
    made = await notify(idle_api, brand, **given)
    assert made == {
        **given, "id": made["id"], "brand_id": brand, "patient_id": "ann", "read_at": None,
        "created_at": made["created_at"],
    }  # fmt: skip
    bare = await notify(idle_api, brand)
    assert (bare["body"], bare["link"], bare["metadata"]) == (None, None, {})
    token = token_of(idle, brand, "ann")
    seen = await call(idle_api, LIST, token)
    assert seen["data"] == [
        {name: each[name] for name in each if name not in ("brand_id", "patient_id")}
        for each in (bare, made)
    ]
    assert (seen["next_cursor"], seen["next_page_token"]) == (None, "")
    items = (await ok(idle_api, f"{INBOX}/ListInboxItems", {"person_id": "ann"}))["data"]
    assert items[1] == {
        "id": made["id"], "brand_id": brand, "person_id": "ann", "channel": "in_app",
        "category": "lab result", "title": "Olá Zoë", "body": "Two\nlines",
        "action_url": "app://results/7", "read_at": None, "created_at": made["created_at"],
        "message_id": None,
    }  # fmt: skip


async def test_people_see_and_change_their_own_and_nothing_else(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    hers = await notify(idle_api, brand, "ann", title="hers")
    his = await notify(idle_api, brand, "bob", title="his")
    other_brand = f"other-{brand}"
    elsewhere = idle.token(other_brand)
    there = await idle_api.call(
        CREATE,
        {"brand_id": other_brand, "patient_id": "ann", "kind": "k", "title": "elsewhere"},
        token=elsewhere,
    )
    ann, bob = (token_of(idle, brand, name) for name in ("ann", "bob"))
    assert (await own(idle_api, ann), await own(idle_api, bob)) == (["hers"], ["his"])
    for foreign in (his["id"], there.body["id"], "no-such-id"):
        answer = await idle_api.call(READ, {"id": foreign}, token=ann)
        assert (answer.status, answer.error) == (404, "notification_not_found")
    answer = await idle_api.call(LIST, {"brand_id": other_brand}, token=ann)
    assert (answer.status, answer.error) == (404, "brand_not_found")
    assert (await call(idle_api, READ, ann, id=hers["id"]))["read_at"] is not None
    assert [(await call(idle_api, COUNT, token))["count"] for token in (ann, bob)] == [0, 1]


async def test_without_a_brand_there_is_nobodys_inbox(idle: Running, idle_api: Caller) -> None:
    token = idle.service.keys.tokens.mint("ann", [], scopes_of_people(), is_person=True)
    for method, request in ((LIST, {}), (COUNT, {}), (READ, {"id": "x"})):
        answer = await idle_api.call(method, request, token=token)
        assert (answer.status, answer.error) == (403, "brand_unknown")


async def test_reading_again_keeps_when_it_was_read_first(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    first = await notify(idle_api, brand)
    await notify(idle_api, brand)
    token = token_of(idle, brand, "ann")
    assert (await call(idle_api, COUNT, token))["count"] == 2
    once = await call(idle_api, READ, token, id=first["id"])
    assert await call(idle_api, READ, token, id=first["id"]) == once
    assert (await call(idle_api, COUNT, token))["count"] == 1
    entries = await ok(idle_api, "ops.AuditService/ListAuditEntries", {"subject_id": first["id"]})
    assert [(each["actor"], each["action"]) for each in entries["audit_entries"]] == [
        ("ann", "notification_read"),
        ("tester", "notification_created"),
    ]


async def test_a_patient_id_is_a_persons_id_or_else_their_attribute(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    await put_person(idle_api, brand, "ann", attributes={"patient_id": "p-1"})
    await put_person(idle_api, brand, "bob", attributes={"patient_id": "ann"})
    await put_person(idle_api, brand, "cyd", attributes={"patient_id": 77})
    for patient in ("ann", "p-1", "77", "cyd", "stranger"):
        made = await notify(idle_api, brand, patient, title=patient)
        assert made["patient_id"] == patient
    found = {
        subject: await own(idle_api, token_of(idle, brand, subject))
        for subject in ("ann", "p-1", "bob", "cyd", "77", "stranger")
    }
    hers, cyds = ["p-1", "ann"], ["cyd", "77"]
    assert found == {
        "ann": hers, "p-1": hers, "bob": [], "cyd": cyds, "77": cyds, "stranger": ["stranger"]
    }  # fmt: skip


async def test_a_patient_id_that_two_people_have_names_neither(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    for person in ("ann", "bob"):
        await put_person(idle_api, brand, person, attributes={"patient_id": "p-1"})
    request = {"brand_id": brand, "patient_id": "p-1", "kind": "k", "title": "t"}
    answer = await idle_api.call(CREATE, request)
    assert (answer.status, answer.error) == (409, "patient_ambiguous")
    answer = await idle_api.call(LIST, {}, token=token_of(idle, brand, "p-1"))
    assert (answer.status, answer.error) == (409, "patient_ambiguous")


async def test_the_cursor_is_the_page_token_under_another_name(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    for number in range(3):
        await notify(idle_api, brand, title=str(number))
    token = token_of(idle, brand, "ann")
    first = await call(idle_api, LIST, token, limit=2)
    assert [each["title"] for each in first["data"]] == ["2", "1"]
    assert first["next_cursor"] == first["next_page_token"] != ""
    for name in ("cursor", "page_token"):
        rest = await call(idle_api, LIST, token, **{name: first["next_cursor"]})
        assert ([each["title"] for each in rest["data"]], rest["next_cursor"]) == (["0"], None)
    both = {"cursor": first["next_cursor"], "page_token": first["next_cursor"]}
    answer = await idle_api.call(LIST, both | {"limit": 1, "page_size": 1}, token=token)
    assert (answer.status, answer.fields) == (422, {"page_token", "page_size"})
    bad = await idle_api.call(LIST, {"cursor": "nonsense"}, token=token)
    assert (bad.status, bad.fields) == (422, {"cursor"})


async def test_a_link_is_no_code(untouched: Untouched) -> None:
    for bad in ("javascript:alert(1)", " JavaScript :x", "data:text/html,x", "vbscript:x"):
        await untouched.refuses_field(CREATE, put(untouched.good(CREATE), "link", bad), "link")
