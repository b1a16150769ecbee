"""carillon.ops.v1.BrandService."""

from __future__ import annotations

from carillon.ops.v1 import brand_pb2, brand_service_pb2, brand_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import ops
from server.api.interceptors.call import Context
from server.commands.operations.brand_policy import get_brand_policy, set_brand_policy
from server.commands.operations.brands import create_brand, get_brand, list_brands, update_brand

pb = brand_service_pb2


class BrandService(brand_service_pb2_grpc.BrandServiceServicer):
    """Brands and their policies."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def CreateBrand(
        self, request: pb.CreateBrandRequest, context: Context
    ) -> brand_pb2.Brand:
        return await self._commands.change(
            request,
            lambda tx, caller: create_brand(tx, caller, request.id, request.name),
            ops.brand,
            brand_pb2.Brand,
        )

    async def GetBrand(self, request: pb.GetBrandRequest, context: Context) -> brand_pb2.Brand:
        return ops.brand(
            await self._commands.query(lambda tx, caller: get_brand(tx, caller, request.id))
        )

    async def ListBrands(
        self, request: pb.ListBrandsRequest, context: Context
    ) -> pb.ListBrandsResponse:
        page = await self._commands.query(
            lambda tx, caller: list_brands(
                tx, caller, request.prefix, request.page_size, request.page_token
            )
        )
        return pb.ListBrandsResponse(
            brands=map(ops.brand, page.items), next_page_token=page.next_page_token
        )

    async def UpdateBrand(
        self, request: pb.UpdateBrandRequest, context: Context
    ) -> brand_pb2.Brand:
        return await self._commands.change(
            request,
            lambda tx, caller: update_brand(tx, caller, request.id, request.name),
            ops.brand,
            brand_pb2.Brand,
        )

    async def GetBrandPolicy(
        self, request: pb.GetBrandPolicyRequest, context: Context
    ) -> brand_pb2.BrandPolicy:
        return ops.brand_policy(
            await self._commands.query(
                lambda tx, caller: get_brand_policy(tx, caller, request.brand_id)
            )
        )

    async def SetBrandPolicy(
        self, request: pb.SetBrandPolicyRequest, context: Context
    ) -> brand_pb2.BrandPolicy:
        new = ops.read_brand_policy(request)
        return await self._commands.change(
            request,
            lambda tx, caller: set_brand_policy(tx, caller, new),
            ops.brand_policy,
            brand_pb2.BrandPolicy,
        )
