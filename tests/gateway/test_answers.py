"""Successful answers: status, explicit nulls, server-sent events; and gRPC, which passes
untouched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from carillon.comms.v1 import (
    campaign_pb2,
    campaign_service_pb2,
    message_pb2,
    message_service_pb2,
)
from carillon.messaging.v1 import campaign_pb2 as messaging_campaign_pb2
from carillon.messaging.v1 import (
    person_service_pb2,
    send_pb2,
    send_service_pb2,
    template_service_pb2,
)
from carillon.ops.v1 import probe_service_pb2
from carillon.type.v1 import channel_pb2
from server.config import Settings
from tests.support.upstream import Context, Upstream, error_info, failing, returning

CAMPAIGNS = "carillon.comms.v1.CampaignService"
WATCH = "carillon.messaging.v1.SendService/WatchSend"
NULL_TIMES = {
    "scheduled_at": None,
    "sent_at": None,
    "cancelled_at": None,
    "created_at": None,
    "updated_at": None,
}


async def test_a_field_the_message_lacks_is_null_where_the_descriptor_allows_it(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies["carillon.messaging.v1.CampaignService/GetCampaign"] = returning(
        messaging_campaign_pb2.Campaign(id="c1", brand_id="demo")
    )
    response = await rest.get("/v1/messaging/campaigns/c1")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body["description"] is None
    assert body["scheduled_at"] is None
    assert body["id"] == "c1"
    assert body["name"] == ""


async def test_fields_come_in_the_order_of_the_descriptor(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    message = messaging_campaign_pb2.Campaign(id="c1", created_at=Timestamp(seconds=1))
    upstream.replies["carillon.messaging.v1.CampaignService/GetCampaign"] = returning(message)
    response = await rest.get("/v1/messaging/campaigns/c1")
    assert list(response.json()) == [field.name for field in message.DESCRIPTOR.fields]


async def test_nulls_reach_into_wrapped_messages_and_list_items(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    campaigns = [
        campaign_pb2.Campaign(id="c1"),
        campaign_pb2.Campaign(id="c2", sent_at=Timestamp(seconds=0)),
    ]
    upstream.replies[f"{CAMPAIGNS}/ListCampaigns"] = returning(
        campaign_service_pb2.ListCampaignsResponse(campaigns=campaigns)
    )
    first, second = (await rest.get("/v1/admin/campaigns")).json()["campaigns"]
    assert NULL_TIMES.items() <= first.items()
    assert second["sent_at"] == "1970-01-01T00:00:00Z"
    assert second["created_at"] is None

    upstream.replies[f"{CAMPAIGNS}/GetCampaign"] = returning(
        campaign_service_pb2.GetCampaignResponse(campaign=campaigns[0])
    )
    assert (
        NULL_TIMES.items() <= (await rest.get("/v1/admin/campaigns/c1")).json()["campaign"].items()
    )


async def test_a_missing_wrapped_message_is_null_and_an_empty_response_stays_empty(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies[f"{CAMPAIGNS}/GetCampaign"] = returning(
        campaign_service_pb2.GetCampaignResponse()
    )
    assert (await rest.get("/v1/admin/campaigns/c1")).json() == {"campaign": None}
    upstream.replies[f"{CAMPAIGNS}/DeleteCampaign"] = returning(
        campaign_service_pb2.DeleteCampaignResponse()
    )
    assert (await rest.delete("/v1/admin/campaigns/c1")).json() == {}


async def test_free_form_objects_pass_as_they_are(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    attributes: dict[str, Any] = {
        "id": None,
        "nested": {"created_at": {}, "list": [[], {}, [{"a": [1, 2.5, -1e300]}], ']}\\"{[']},
        "text": 'quote " backslash \\ tab \t new line \n – é 😀 </script> \u2028',
        "": True,
    }
    struct = Struct()
    struct.update(attributes)
    upstream.replies["carillon.messaging.v1.PersonService/GetPerson"] = returning(
        person_service_pb2.Person(
            brand_id="demo", person_id='p"1\\', attributes=struct, push_tokens=["a", "b"]
        )
    )
    body = (await rest.get("/v1/people/p1")).json()
    assert body["attributes"] == attributes
    assert body["person_id"] == 'p"1\\'
    assert body["push_tokens"] == ["a", "b"]
    assert body["time_zone"] is None


async def test_a_success_has_the_status_that_the_protos_say(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies[f"{CAMPAIGNS}/CreateCampaign"] = returning(
        campaign_service_pb2.CreateCampaignResponse()
    )
    upstream.replies["carillon.messaging.v1.CampaignService/PublishCampaign"] = returning(
        send_pb2.Send()
    )
    upstream.replies["carillon.messaging.v1.SendService/GetSend"] = returning(send_pb2.Send())
    assert (await rest.post("/v1/admin/campaigns", json={})).status_code == 201
    assert (await rest.post("/v1/messaging/campaigns/c1/publish")).status_code == 202
    assert (await rest.get("/v1/messaging/sends/s1")).status_code == 200


async def test_metadata_of_a_success_do_not_change_its_status(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    async def reply(_request: Any, context: Context) -> message_pb2.Message:
        await context.send_initial_metadata((("x-http-code", "500"),))
        context.set_trailing_metadata((("x-http-code", "404"),))
        return message_pb2.Message()

    upstream.replies["carillon.comms.v1.MessageService/ScheduleMessage"] = reply
    response = await rest.post("/v1/messages/schedule", json={})
    assert response.status_code == 201
    assert "x-http-code" not in response.headers


async def test_rest_answers_carry_nothing_of_grpc_or_envoy(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies[f"{CAMPAIGNS}/CreateCampaign"] = returning(
        campaign_service_pb2.CreateCampaignResponse()
    )
    response = await rest.post("/v1/admin/campaigns", json={})
    assert set(response.headers) == {
        "content-type",
        "content-length",
        "cache-control",
        "date",
        "server",
    }


async def test_ids_in_the_path_are_decoded_whatever_is_in_them(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies["carillon.messaging.v1.PersonService/GetPerson"] = returning(
        person_service_pb2.Person()
    )
    await rest.get("/v1/people/a%2Fb%40example.com%20%25?brand_id=demo")
    assert upstream.requests == [
        person_service_pb2.GetPersonRequest(person_id="a/b@example.com %", brand_id="demo")
    ]


async def test_an_empty_body_is_an_empty_request(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies[f"{CAMPAIGNS}/CancelCampaign"] = returning(
        campaign_service_pb2.CancelCampaignResponse()
    )
    assert (await rest.post("/v1/admin/campaigns/c1/cancel")).status_code == 200
    assert (
        await rest.post(
            "/v1/admin/campaigns/c1/cancel", headers={"content-type": "application/json"}
        )
    ).status_code == 200
    assert upstream.requests == [campaign_service_pb2.CancelCampaignRequest(id="c1")] * 2


async def test_headers_a_client_may_not_set_do_not_reach_the_server(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.replies["carillon.ops.v1.ProbeService/CheckLiveness"] = returning(
        probe_service_pb2.CheckLivenessResponse(status="ok")
    )
    forged = {
        "x-http-code": "299",
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-original-path": "/forged",
        "x-local-reply": "forged",
    }
    response = await rest.get("/healthz", headers=forged | {"idempotency-key": "k1"})
    assert response.json() == {"status": "ok"}
    assert response.status_code == 200
    (metadata,) = upstream.metadata
    assert metadata["idempotency-key"] == "k1"
    assert "x-http-code" not in metadata
    assert metadata["x-envoy-original-path"] == "/healthz"


async def test_every_server_sent_event_has_its_nulls(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    async def watch(
        request: send_service_pb2.WatchSendRequest, _context: Context
    ) -> AsyncIterator[send_pb2.Send]:
        for count in range(3):
            yield send_pb2.Send(id=request.id, sent_count=count)

    upstream.streams[WATCH] = watch
    async with rest.stream("GET", "/v1/messaging/sends/s1/watch") as response:
        assert response.headers["content-type"] == "text/event-stream"
        assert "x-http-code" not in response.headers
        lines = [line async for line in response.aiter_lines() if line]
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert [event["sent_count"] for event in events] == [0, 1, 2]
    assert all(event["started_at"] is None and event["id"] == "s1" for event in events)


async def test_an_event_arrives_while_the_stream_goes_on(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    seen = asyncio.Event()

    async def watch(_request: Any, _context: Context) -> AsyncIterator[send_pb2.Send]:
        yield send_pb2.Send(id="first")
        await seen.wait()
        yield send_pb2.Send(id="second")

    upstream.streams[WATCH] = watch
    async with rest.stream("GET", "/v1/messaging/sends/s1/watch") as response:
        chunks = response.aiter_text()
        assert '"id":"first"' in await anext(chunks)
        seen.set()
        assert '"id":"second"' in "".join([chunk async for chunk in chunks])


async def test_grpc_passes_untouched(
    gateway: object, upstream: Upstream, settings: Settings
) -> None:
    upstream.replies["carillon.comms.v1.MessageService/ScheduleMessage"] = returning(
        message_pb2.Message(id="m1")
    )
    async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.rest_port}") as channel:
        call = channel.unary_unary(
            "/carillon.comms.v1.MessageService/ScheduleMessage",
            request_serializer=message_service_pb2.ScheduleMessageRequest.SerializeToString,
            response_deserializer=message_pb2.Message.FromString,
        )(message_service_pb2.ScheduleMessageRequest(brand_id="demo", channel=channel_pb2.email))
        assert await call == message_pb2.Message(id="m1")


async def test_grpc_errors_keep_their_code_and_details(
    gateway: object, upstream: Upstream, settings: Settings
) -> None:
    upstream.replies["carillon.messaging.v1.TemplateService/GetTemplate"] = failing(
        grpc.StatusCode.NOT_FOUND,
        "no such template",
        error_info("TEMPLATE_NOT_FOUND"),
        http_code=404,
    )
    async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.rest_port}") as channel:
        method: grpc.aio.UnaryUnaryMultiCallable[template_service_pb2.GetTemplateRequest, bytes] = (
            channel.unary_unary(
                "/carillon.messaging.v1.TemplateService/GetTemplate",
                request_serializer=template_service_pb2.GetTemplateRequest.SerializeToString,
            )
        )
        call = method(template_service_pb2.GetTemplateRequest())
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await call
    assert failure.value.code() is grpc.StatusCode.NOT_FOUND
    assert failure.value.details() == "no such template"
    assert "grpc-status-details-bin" in dict(failure.value.trailing_metadata() or ())
