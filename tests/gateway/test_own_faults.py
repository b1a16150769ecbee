"""A fault in the gateway's own code lets nothing pass that was not looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from carillon.messaging.v1 import segment_service_pb2
from server.config import Settings
from server.gateway.supervisor import Gateway
from tests.gateway.conftest import ADMISSION, REST, client_of, free_ports, shortened_config
from tests.gateway.test_refusals import JSON, error
from tests.support.upstream import Upstream, returning

SEGMENTS = "carillon.messaging.v1.SegmentService"
FAULTS = {
    "admission": (ADMISSION, 'require("routes").find = function() error("fault") end; '),
    "queries": (REST, 'require("queries").problems = function() error("fault") end; '),
    "bodies": (REST, 'require("bodies").read = function() error("fault") end; '),
}


@pytest.fixture(scope="module", params=FAULTS)
async def faulty(
    request: pytest.FixtureRequest, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """Another gateway of the same server, with a fault in one of the places where it looks."""
    (rest,) = free_ports(1)
    own = settings.model_copy(
        update={
            "data_dir": tmp_path_factory.mktemp("own"),
            "rest_port": rest,
        }
    )
    where, fault = FAULTS[request.param]
    root = shortened_config(tmp_path_factory.mktemp("faulty"), where, fault + where)
    gateway = Gateway(own, config_root=root)
    await gateway.start()
    yield own
    await gateway.stop()


async def test_what_could_not_be_looked_at_is_500_and_not_passed_on(
    faulty: Settings, upstream: Upstream
) -> None:
    upstream.replies[f"{SEGMENTS}/CreateSegment"] = returning(segment_service_pb2.Segment())

    async def pieces(name: str) -> AsyncIterator[bytes]:
        yield f'{{"name": "{name}"}}'.encode()

    async with client_of(faulty) as rest:
        for content in (pieces("a"), pieces("a" * 100_000)):
            response = await rest.post("/v1/messaging/segments", content=content, headers=JSON)
            assert error(response) == (500, "internal")
    assert upstream.requests == []
