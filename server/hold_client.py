"""The running service's hold, over gRPC."""

from __future__ import annotations

import grpc

from carillon.ops.v1 import hold_service_pb2, hold_service_pb2_grpc

CALL_SECONDS = 10.0


class NotReleased(Exception):
    """The service did not release the hold; the text says why."""


async def release_over_grpc(address: str, token: str) -> bool:
    """Releases the hold of the service at `address` (host:port). Whether there was one. Raises NotReleased."""
    metadata = (("authorization", f"Bearer {token}"),)
    async with grpc.aio.insecure_channel(address) as channel:
        stub = hold_service_pb2_grpc.HoldServiceStub(channel)
        try:
            before = await stub.GetHold(hold_service_pb2.GetHoldRequest(), timeout=CALL_SECONDS, metadata=metadata)
            await stub.ReleaseHold(hold_service_pb2.ReleaseHoldRequest(i_understand=True), timeout=CALL_SECONDS, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise NotReleased(f"the service at {address} did not release the hold: {error.details()}") from None
    return bool(before.held)
