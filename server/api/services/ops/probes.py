"""carillon.ops.v1.ProbeService."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from carillon.ops.v1 import probe_service_pb2 as pb
from carillon.ops.v1 import probe_service_pb2_grpc
from server.api.interceptors.call import Context
from server.domain.errors import Unavailable

Readiness = Callable[[], Awaitable[list[str]]]
"""Names of the parts that are not ready."""


class ProbeService(probe_service_pb2_grpc.ProbeServiceServicer):
    """Probes for whoever keeps the service running."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    async def CheckLiveness(
        self, request: pb.CheckLivenessRequest, context: Context
    ) -> pb.CheckLivenessResponse:
        return pb.CheckLivenessResponse(status="ok")

    async def CheckReadiness(
        self, request: pb.CheckReadinessRequest, context: Context
    ) -> pb.CheckReadinessResponse:
        waiting_for = await self._readiness()
        if waiting_for:
            raise Unavailable(f"not ready: {', '.join(waiting_for)}")
        return pb.CheckReadinessResponse(status="ready")
