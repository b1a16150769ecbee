"""What only gRPC can say: instants no calendar has, numbers that are none, bytes that are no
message."""

from __future__ import annotations

import math
from typing import Any

import grpc
import pytest
from google.protobuf import json_format, message_factory, struct_pb2
from google.protobuf.message import Message

from server.domain.validation import OBJECT_DEPTH
from tests.api.test_validation_fields import OBJECTS, TIMES, nested
from tests.support.api.answers import Answer
from tests.support.api.callers import METHODS, POLICIES, Caller, GrpcCaller, full_path, refusal_in
from tests.support.api.refusals import check_refusal
from tests.support.api.scenes import COMMS, MESSAGING, TEMPLATES, ok
from tests.support.api.untouched import MESSAGES, PEOPLE, SEGMENTS, Untouched


def message(untouched: Untouched, method: str) -> Any:
    """A good request as a message."""
    request: Message = message_factory.GetMessageClass(METHODS[method].input_type)()
    return json_format.ParseDict(untouched.good(method), request)


def struct_at(request: Any, path: str) -> struct_pb2.Struct:
    """The object in a field."""
    for name in path.split("."):
        request = getattr(request, name)
    found: struct_pb2.Struct = request
    return found


async def call_bytes(
    untouched: Untouched, method: str, data: bytes, token: str | None = None
) -> Answer:
    """The refusal of bytes that need be no message."""
    assert isinstance(untouched.api, GrpcCaller)
    metadata = (("authorization", f"Bearer {untouched.api.token if token is None else token}"),)
    rpc: Any = untouched.api.channel.unary_unary(full_path(METHODS[method]))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await rpc(data, metadata=metadata, timeout=30)
    answer = refusal_in(refused.value)
    check_refusal(answer.body, {})
    return answer


async def test_an_instant_that_no_calendar_has(untouched_grpc: Untouched) -> None:
    for method in TIMES:
        for seconds, nanos in (
            (10**15, 0),
            (-(10**15), 0),
            (2**63 - 1, 0),
            (-(2**63), 0),
            (2_000_000_000, -1),
            (2_000_000_000, 10**9),
        ):
            request = message(untouched_grpc, method)
            request.scheduled_at.seconds, request.scheduled_at.nanos = seconds, nanos
            await untouched_grpc.refuses_field(method, request, "scheduled_at")


async def test_the_epoch_is_past_and_not_absent(untouched_grpc: Untouched) -> None:
    for method in TIMES:
        request = message(untouched_grpc, method)
        request.scheduled_at.Clear()
        request.scheduled_at.SetInParent()
        await untouched_grpc.refuses_field(method, request, "scheduled_at")


async def test_an_object_with_a_number_that_is_none(untouched_grpc: Untouched) -> None:
    for method, field in OBJECTS:
        for number in (math.nan, math.inf, -math.inf):
            request = message(untouched_grpc, method)
            struct_at(request, field).update({"a": {"b": [1]}})
            struct_at(request, field).fields["a"].struct_value.fields["b"].list_value.values[
                0
            ].number_value = number
            await untouched_grpc.refuses_field(method, request, field)


async def test_bytes_that_are_no_message(untouched_grpc: Untouched) -> None:
    for method in METHODS:
        policy = POLICIES[full_path(METHODS[method])]
        answer = await call_bytes(untouched_grpc, method, b"\xff\xff\xff")
        expected = (policy.invalid_argument_status, "malformed_request")
        assert (answer.status, answer.error) == expected, method
        if not policy.public:
            answer = await call_bytes(untouched_grpc, method, b"\xff\xff\xff", token="garbage")
            assert answer.status == 401, method


async def test_a_string_that_is_not_utf8(untouched_grpc: Untouched) -> None:
    answer = await call_bytes(untouched_grpc, f"{COMMS}/CreateCampaign", b"\x0a\x02\xff\xfe")
    assert (answer.status, answer.error) == (422, "malformed_request")


async def test_an_object_deeper_than_protobuf_reads(untouched_grpc: Untouched) -> None:
    for method, field in OBJECTS:
        request = message(untouched_grpc, method)
        inner = struct_at(request, field)
        for _ in range(60):
            inner = inner.fields["a"].struct_value
        answer = await call_bytes(untouched_grpc, method, request.SerializeToString())
        assert answer.error == "malformed_request", method


async def test_an_object_as_deep_as_allowed_is_taken(untouched: Untouched) -> None:
    method = f"{TEMPLATES}/RenderTemplate"
    answer = await untouched.api.call(
        method, untouched.good(method) | {"payload": nested(OBJECT_DEPTH), "strict": False}
    )
    assert answer.status == 200


async def test_a_person_with_an_object_as_deep_as_allowed_can_be_read_again(
    idle_api: Caller, brand: str
) -> None:
    deep = {"brand_id": brand, "person_id": "deep"}
    await ok(idle_api, f"{PEOPLE}/PutPerson", deep | {"attributes": nested(OBJECT_DEPTH)})
    found = await ok(idle_api, f"{PEOPLE}/GetPerson", deep)
    assert found["attributes"] == nested(OBJECT_DEPTH)


async def test_a_deep_campaign_can_be_listed(idle_api: Any, brand: str) -> None:
    request = {
        "brand_id": brand,
        "name": "deep",
        "subject": "Deep",
        "channel": "email",
        "template_key": "welcome",
    }
    await ok(idle_api, f"{COMMS}/CreateCampaign", {**request, "variables": nested(OBJECT_DEPTH)})
    (campaign,) = (await ok(idle_api, f"{COMMS}/ListCampaigns", {"brand_id": brand}))["campaigns"]
    assert campaign["variables"] == nested(OBJECT_DEPTH)


async def test_fields_of_a_newer_version_are_ignored(untouched_grpc: Untouched) -> None:
    for method in [
        f"{SEGMENTS}/CreateSegment",
        f"{MESSAGES}/ScheduleMessage",
        f"{MESSAGING}/CreateCampaign",
    ]:
        request = message(untouched_grpc, method)
        request.brand_id = ""
        answer = await call_bytes(
            untouched_grpc, method, request.SerializeToString() + b"\xfa\x3e\x03new"
        )
        assert answer.fields == {"brand_id"}
