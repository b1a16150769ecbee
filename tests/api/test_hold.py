"""The hold on delivery: told, and released only by somebody who says that they understand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from server.api.policies import default_scopes
from server.app import Service
from tests.support.api.callers import Caller
from tests.support.api.deliveries import ended, schedule
from tests.support.api.operating import AUDIT, Operated
from tests.support.api.running import Running
from tests.support.api.scenes import ok, put_template
from tests.support.api.untouched import HOLD

REASON = "the database is older than messages that went out"


async def hold(service: Service) -> None:
    """As a dispatcher does that finds the database older than its own file."""
    assert service.storage is not None
    now = datetime.now(UTC)
    await service.storage.write(lambda tx: tx.dispatchers.hold(REASON, now))


async def release(api: Caller) -> dict[str, Any]:
    return await ok(api, f"{HOLD}/ReleaseHold", {"i_understand": True})


async def test_hold_is_told_with_its_reason_until_it_is_released(
    idle: Running, idle_api: Caller
) -> None:
    await hold(idle.service)
    held = await ok(idle_api, f"{HOLD}/GetHold", {})
    assert (held["held"], held["reason"], held["held_at"] is not None) == (True, REASON, True)
    released = await release(idle_api)
    assert (released["held"], released["reason"], released["held_at"]) == (False, None, None)
    assert (released["released_by"], released["released_at"] is not None) == ("tester", True)
    assert await ok(idle_api, f"{HOLD}/GetHold", {}) == released


@pytest.mark.parametrize("request_body", [{}, {"i_understand": False}])
async def test_release_without_understanding_is_refused(
    idle: Running, idle_api: Caller, request_body: dict[str, Any]
) -> None:
    await hold(idle.service)
    answer = await idle_api.call(f"{HOLD}/ReleaseHold", request_body)
    assert (answer.status, answer.fields) == (422, {"i_understand"})
    assert (await ok(idle_api, f"{HOLD}/GetHold", {}))["held"]
    await release(idle_api)


async def test_releasing_what_is_not_held_changes_nothing(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    await hold(idle.service)
    first = await release(idle_api)
    other = idle.token(brand, subject="somebody-else")
    again = await idle_api.call(f"{HOLD}/ReleaseHold", {"i_understand": True}, token=other)
    assert (again.status, again.body) == (200, first)


async def test_a_token_with_every_scope_but_those_of_operators_cannot_release(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    await hold(idle.service)
    ordinary = idle.token(brand, scopes=default_scopes())
    assert (await idle_api.call(f"{HOLD}/GetHold", {}, token=ordinary)).body["held"]
    answer = await idle_api.call(f"{HOLD}/ReleaseHold", {"i_understand": True}, token=ordinary)
    assert (answer.status, answer.error, answer.body["details"]) == (
        403,
        "scope_missing",
        {"scope": "admin:hold"},
    )
    assert (await ok(idle_api, f"{HOLD}/GetHold", {}))["held"]
    await release(idle_api)


async def test_release_is_in_the_audit_log_of_the_installation_once(
    idle: Running, idle_api: Caller
) -> None:
    await hold(idle.service)
    held_at = (await ok(idle_api, f"{HOLD}/GetHold", {}))["held_at"]
    operator = idle.token(scopes=["admin:hold", "admin:audit"], subject=f"operator-{uuid4()}")
    for _ in range(2):
        assert (
            await idle_api.call(f"{HOLD}/ReleaseHold", {"i_understand": True}, token=operator)
        ).status == 200
    listed = await idle_api.call(
        f"{AUDIT}/ListInstallationAuditEntries", {"subject_id": "delivery"}, token=operator
    )
    ours = [
        entry for entry in listed.body["audit_entries"] if entry["actor"].startswith("operator-")
    ]
    entry = ours[0]
    assert (entry["action"], entry["brand_id"], entry["details"]["reason"]) == (
        "delivery_released",
        "",
        REASON,
    )
    assert datetime.fromisoformat(entry["details"]["held_at"]) == datetime.fromisoformat(held_at)
    assert len([other for other in ours if other["actor"] == entry["actor"]]) == 1


async def test_the_audit_log_of_the_installation_is_for_operators(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    answer = await idle_api.call(
        f"{AUDIT}/ListInstallationAuditEntries",
        {},
        token=idle.token(brand, scopes=default_scopes()),
    )
    assert (answer.status, answer.error) == (403, "scope_missing")


async def test_what_is_held_is_not_ready_and_says_so(idle: Running, idle_api: Caller) -> None:
    assert (await idle.http.get("/readyz")).status_code == 200
    await hold(idle.service)
    ready, alive = await idle.http.get("/readyz"), await idle.http.get("/healthz")
    assert (ready.status_code, ready.json()) == (
        503,
        {"error": "unavailable", "message": "not ready: delivery (held)"},
    )
    assert alive.status_code == 200
    await release(idle_api)
    assert (await idle.http.get("/readyz")).status_code == 200


async def test_held_messages_are_accepted_and_go_out_after_the_release(
    operated: Operated, operator: Caller, brand: str
) -> None:
    await hold(operated.running.service)
    calls = len(operated.provider.calls)
    await put_template(operator, brand)
    message = await schedule(operator, brand)
    assert message["status"] == "pending"
    assert len(operated.provider.calls) == calls
    await release(operator)
    assert (await ended(operator, message["id"]))["status"] == "sent"
