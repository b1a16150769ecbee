"""The hold on delivery: told, and released only by somebody who says that they understand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from server.app import Service
from tests.api.callers import Caller
from tests.api.deliveries import ended, schedule
from tests.api.operating import Operated
from tests.api.running import Running
from tests.api.scenes import ok, put_template
from tests.api.untouched import HOLD

REASON = "the database is older than messages that went out"


async def hold(service: Service) -> None:
    """As a dispatcher does that finds the database older than its own file."""
    assert service.storage is not None
    now = datetime.now(UTC)
    await service.storage.write(lambda tx: tx.dispatchers.hold(REASON, now))


async def release(api: Caller) -> dict[str, Any]:
    return await ok(api, f"{HOLD}/ReleaseHold", {"i_understand": True})


async def test_hold_is_told_with_its_reason_until_it_is_released(idle: Running, idle_api: Caller) -> None:
    await hold(idle.service)
    held = await ok(idle_api, f"{HOLD}/GetHold", {})
    assert (held["held"], held["reason"], held["held_at"] is not None) == (True, REASON, True)
    released = await release(idle_api)
    assert (released["held"], released["reason"], released["held_at"]) == (False, None, None)
    assert (released["released_by"], released["released_at"] is not None) == ("tester", True)
    assert await ok(idle_api, f"{HOLD}/GetHold", {}) == released


@pytest.mark.parametrize("request_body", [{}, {"i_understand": False}])
async def test_release_without_understanding_is_refused(idle: Running, idle_api: Caller, request_body: dict[str, Any]) -> None:
    await hold(idle.service)
    answer = await idle_api.call(f"{HOLD}/ReleaseHold", request_body)
    assert (answer.status, answer.fields) == (422, {"i_understand"})
    assert (await ok(idle_api, f"{HOLD}/GetHold", {}))["held"]
    await release(idle_api)


async def test_releasing_what_is_not_held_changes_nothing(idle: Running, idle_api: Caller, brand: str) -> None:
    await hold(idle.service)
    first = await release(idle_api)
    other = idle.token(brand, subject="somebody-else")
    again = await idle_api.call(f"{HOLD}/ReleaseHold", {"i_understand": True}, token=other)
    assert (again.status, again.body) == (200, first)


async def test_hold_is_of_the_installation_and_any_brands_token_with_the_scope_will_do(idle: Running, idle_api: Caller) -> None:
    await hold(idle.service)
    stranger = idle.token("brand-of-somebody-else", scopes=["hold.read", "hold.release"])
    assert (await idle_api.call(f"{HOLD}/GetHold", {}, token=stranger)).body["held"]
    assert not (await idle_api.call(f"{HOLD}/ReleaseHold", {"i_understand": True}, token=stranger)).body["held"]


async def test_held_messages_are_accepted_and_go_out_after_the_release(operated: Operated, operator: Caller, brand: str) -> None:
    await hold(operated.running.service)
    calls = len(operated.provider.calls)
    await put_template(operator, brand)
    message = await schedule(operator, brand)
    assert message["status"] == "pending"
    assert len(operated.provider.calls) == calls
    await release(operator)
    assert (await ended(operator, message["id"]))["status"] == "sent"
