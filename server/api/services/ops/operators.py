"""carillon.ops.v1: UnknownMessageService, AuditService and HoldService."""

from __future__ import annotations

from carillon.ops.v1 import (
    audit_service_pb2,
    audit_service_pb2_grpc,
    hold_service_pb2,
    hold_service_pb2_grpc,
    unknown_message_service_pb2,
    unknown_message_service_pb2_grpc,
)
from server.api.command_runner import CommandRunner
from server.api.converters import ops
from server.api.converters.values import read_choice
from server.api.interceptors.call import Context
from server.commands.messages.unknown import list_unknown_messages, resolve_unknown_messages
from server.commands.operations.audit import list_audit_entries, list_installation_audit_entries
from server.commands.operations.hold import get_hold, release_hold
from storage.model.messages import Resolution


class UnknownMessageService(unknown_message_service_pb2_grpc.UnknownMessageServiceServicer):
    """Messages whose outcome cannot be known."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def ListUnknownMessages(
        self, request: unknown_message_service_pb2.ListUnknownMessagesRequest, context: Context
    ) -> unknown_message_service_pb2.ListUnknownMessagesResponse:
        page = await self._commands.query(
            lambda tx, caller: list_unknown_messages(
                tx, caller, request.brand_id, request.send_id, request.page_size, request.page_token
            )
        )
        return unknown_message_service_pb2.ListUnknownMessagesResponse(
            unknown_messages=map(ops.unknown_message, page.items),
            next_page_token=page.next_page_token,
        )

    async def ResolveUnknownMessages(
        self, request: unknown_message_service_pb2.ResolveUnknownMessagesRequest, context: Context
    ) -> unknown_message_service_pb2.ResolveUnknownMessagesResponse:
        pb, resolution = (
            unknown_message_service_pb2.ResolveUnknownMessagesResponse,
            Resolution(read_choice(request, "resolution")),
        )
        return await self._commands.change(
            request,
            lambda tx, caller: resolve_unknown_messages(
                tx, caller, request.brand_id, request.message_ids, resolution, request.note
            ),
            lambda resolved: pb(
                resolved_count=resolved.count, unresolved_message_ids=resolved.unresolved_ids
            ),
            pb,
        )


class AuditService(audit_service_pb2_grpc.AuditServiceServicer):
    """Who decided what, and when."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def ListAuditEntries(
        self, request: audit_service_pb2.ListAuditEntriesRequest, context: Context
    ) -> audit_service_pb2.ListAuditEntriesResponse:
        page = await self._commands.query(
            lambda tx, caller: list_audit_entries(
                tx,
                caller,
                request.brand_id,
                request.subject_id,
                request.page_size,
                request.page_token,
            )
        )
        return audit_service_pb2.ListAuditEntriesResponse(
            audit_entries=map(ops.audit_entry, page.items), next_page_token=page.next_page_token
        )

    async def ListInstallationAuditEntries(
        self, request: audit_service_pb2.ListInstallationAuditEntriesRequest, context: Context
    ) -> audit_service_pb2.ListInstallationAuditEntriesResponse:
        page = await self._commands.query(
            lambda tx, caller: list_installation_audit_entries(
                tx, caller, request.subject_id, request.page_size, request.page_token
            )
        )
        return audit_service_pb2.ListInstallationAuditEntriesResponse(
            audit_entries=map(ops.audit_entry, page.items), next_page_token=page.next_page_token
        )


class HoldService(hold_service_pb2_grpc.HoldServiceServicer):
    """The hold on delivery."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def GetHold(
        self, request: hold_service_pb2.GetHoldRequest, context: Context
    ) -> hold_service_pb2.Hold:
        return ops.hold(await self._commands.query(get_hold))

    async def ReleaseHold(
        self, request: hold_service_pb2.ReleaseHoldRequest, context: Context
    ) -> hold_service_pb2.Hold:
        return await self._commands.change(
            request,
            release_hold,
            ops.hold,
            hold_service_pb2.Hold,
        )
