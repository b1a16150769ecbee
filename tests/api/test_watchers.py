"""A caller has a bounded number of streams open."""

from __future__ import annotations

from typing import Any

import pytest

from server.api.watchers import Watchers
from server.domain.access import Principal
from server.domain.errors import Overloaded
from tests.support.api.callers import GrpcCaller
from tests.support.api.running import Running


def principal(subject: str) -> Principal:
    return Principal(subject, frozenset({"acme"}), frozenset())


def test_one_too_many_is_refused_and_a_closed_one_makes_room() -> None:
    watchers = Watchers(2)
    with watchers.one_of(principal("one")):
        with watchers.one_of(principal("one")):
            with pytest.raises(Overloaded), watchers.one_of(principal("one")):
                pass
            with watchers.one_of(principal("other")):
                pass
        with watchers.one_of(principal("one")):
            pass
    assert not watchers._open


@pytest.mark.parametrize(
    ("method", "request_of"),
    [
        ("messaging.SendService/WatchSend", {"id": "none"}),
        ("comms.InboxService/WatchInbox", {"person_id": "ann"}),
        ("comms.NotificationService/WatchNotifications", {}),
    ],
)
async def test_every_stream_counts(
    idle_on_sqlite: Running,
    brand: str,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    request_of: dict[str, Any],
) -> None:
    monkeypatch.setattr(Watchers, "_most", property(lambda _: 0), raising=False)
    api = GrpcCaller(idle_on_sqlite.channel, idle_on_sqlite.token(brand, subject="ann"))
    if "Send" not in method:
        request_of = {"brand_id": brand, **request_of}
    answer = await api.call(method, request_of)
    assert (answer.status, answer.error) == (429, "overloaded")
