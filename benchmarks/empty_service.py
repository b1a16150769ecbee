"""A gRPC server whose PublishCampaign reads its request and does nothing: with Envoy in front, the
floor of a REST call with that body."""

from __future__ import annotations

import asyncio
import sys

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from carillon.messaging.v1 import campaign_service_pb2, send_pb2

SERVICE = "carillon.messaging.v1.CampaignService"


async def _publish(
    _request: campaign_service_pb2.PublishCampaignRequest,
    context: grpc.aio.ServicerContext[object, object],
) -> send_pb2.Send:
    await context.send_initial_metadata((("x-http-code", "202"),))
    return send_pb2.Send()


async def _serve(port: int) -> None:
    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_metadata_size", 64 * 1024)]
    )
    method = grpc.unary_unary_rpc_method_handler(
        _publish,
        request_deserializer=campaign_service_pb2.PublishCampaignRequest.FromString,
        response_serializer=send_pb2.Send.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {"PublishCampaign": method}),)
    )
    healthy = health.HealthServicer()
    healthy.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
