"""A real grpcurl, by reflection alone: no proto file is given to it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from asyncio.subprocess import PIPE
from typing import Any

import pytest

from server.api.policies import service_descriptors
from tests.support.api.callers import RestCaller
from tests.support.api.deliveries import one_off
from tests.support.api.running import Running
from tests.support.api.scenes import (
    FAR,
    comms_campaign,
    instant,
    messaging_campaign,
    put_template,
    recipients,
)

GRPCURL = shutil.which("grpcurl")
DOCUMENTED = (
    "carillon.comms.v1.CampaignService.SendCampaign",
    "carillon.comms.v1.CampaignService.CancelCampaign",
    "carillon.comms.v1.MessageService.ScheduleMessage",
    "carillon.messaging.v1.CampaignService.PublishCampaign",
    "carillon.messaging.v1.CampaignService.ScheduleCampaign",
)
NOT_FOUND = 64 + 5
"""grpcurl exits with 64 plus the gRPC code."""

pytestmark = pytest.mark.skipif(
    GRPCURL is None,
    reason="no grpcurl on the PATH; go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3",
)


async def grpcurl(
    running: Running, *arguments: str, token: str = "", request: dict[str, Any] | None = None
) -> tuple[int | None, str, str]:
    """Exit status, standard output and standard error of a call."""
    assert GRPCURL is not None
    options = [
        "-plaintext",
        *(["-H", f"authorization: Bearer {token}"] if token else []),
        *(["-d", json.dumps(request)] if request else []),
    ]
    process = await asyncio.create_subprocess_exec(
        GRPCURL,
        *options,
        f"127.0.0.1:{running.settings.grpc_port}",
        *arguments,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def called(
    running: Running, rest: RestCaller, method: str, request: dict[str, Any]
) -> dict[str, Any]:
    """The answer of a call that must succeed."""
    status, out, err = await grpcurl(running, method, token=rest.token, request=request)
    assert status == 0, err
    answer: dict[str, Any] = json.loads(out)
    return answer


async def test_it_lists_every_service(on_sqlite: Running) -> None:
    status, out, _ = await grpcurl(on_sqlite, "list")
    theirs = {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    assert (status, set(out.split())) == (
        0,
        {service.full_name for service in service_descriptors()} | theirs,
    )


@pytest.mark.parametrize("method", DOCUMENTED)
async def test_it_describes_every_documented_method(on_sqlite: Running, method: str) -> None:
    status, out, err = await grpcurl(on_sqlite, "describe", method)
    assert status == 0, err
    assert f"rpc {method.rpartition('.')[2]} " in out


async def test_it_describes_messages_with_their_options(on_sqlite: Running) -> None:
    status, out, err = await grpcurl(
        on_sqlite, "describe", "carillon.comms.v1.ScheduleMessageRequest"
    )
    assert status == 0, err
    field = r"Timestamp scheduled_at = 9 \[[^;]*\(\.google\.api\.field_behavior\) = REQUIRED"
    assert re.search(field, out), out


@pytest.fixture
def rest(on_sqlite: Running, brand: str) -> RestCaller:
    return RestCaller(on_sqlite.http, on_sqlite.token(brand))


async def test_it_sends_a_campaign(on_sqlite: Running, rest: RestCaller, brand: str) -> None:
    request = {"id": await comms_campaign(rest, brand), "recipients": recipients(2)}
    answer = await called(on_sqlite, rest, DOCUMENTED[0], request)
    assert (answer["send"]["campaign_id"], answer["send"]["total_recipients"]) == (request["id"], 2)


async def test_it_cancels_a_campaign(on_sqlite: Running, rest: RestCaller, brand: str) -> None:
    answer = await called(on_sqlite, rest, DOCUMENTED[1], {"id": await comms_campaign(rest, brand)})
    assert answer["campaign"]["status"] == "cancelled"


async def test_it_schedules_a_message(on_sqlite: Running, rest: RestCaller, brand: str) -> None:
    await put_template(rest, brand)
    answer = await called(on_sqlite, rest, DOCUMENTED[2], one_off(brand, scheduled_at=instant(FAR)))
    assert (answer["status"], answer["channel"], answer["dedup_key"]) == (
        "pending",
        "email",
        "key-1",
    )


async def test_it_publishes_a_campaign(on_sqlite: Running, rest: RestCaller, brand: str) -> None:
    request = {"id": await messaging_campaign(rest, brand), "recipients": recipients(2)}
    answer = await called(on_sqlite, rest, DOCUMENTED[3], request)
    assert (answer["status"], answer["total_recipients"]) == ("sending", 2)


async def test_it_schedules_a_campaign(on_sqlite: Running, rest: RestCaller, brand: str) -> None:
    answer = await called(
        on_sqlite,
        rest,
        DOCUMENTED[4],
        {"id": await messaging_campaign(rest, brand), "scheduled_at": instant(FAR)},
    )
    assert answer["status"] == "scheduled"


async def test_it_shows_why_a_call_was_refused(on_sqlite: Running, rest: RestCaller) -> None:
    status, _, err = await grpcurl(
        on_sqlite, DOCUMENTED[1], token=rest.token, request={"id": "no-such-campaign"}
    )
    assert status == NOT_FOUND
    assert "CAMPAIGN_NOT_FOUND" in err


async def test_it_asks_after_health_without_a_token(on_sqlite: Running) -> None:
    status, out, _ = await grpcurl(on_sqlite, "grpc.health.v1.Health/Check")
    assert (status, json.loads(out)) == (0, {"status": "SERVING"})
