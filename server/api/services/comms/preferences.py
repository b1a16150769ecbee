"""carillon.comms.v1.PreferenceService."""

from __future__ import annotations

from carillon.comms.v1 import preference_service_pb2, preference_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import consents
from server.api.interceptors.call import Context
from server.commands.consents.preferences import list_preferences, put_preference

pb = preference_service_pb2


class PreferenceService(preference_service_pb2_grpc.PreferenceServiceServicer):
    """What people want."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def PutPreference(
        self, request: pb.PutPreferenceRequest, context: Context
    ) -> pb.Preference:
        key = consents.read_key(request)
        return await self._commands.change(
            request,
            lambda tx, caller: put_preference(tx, caller, key, enabled=request.enabled),
            consents.preference,
            pb.Preference,
        )

    async def ListPreferences(
        self, request: pb.ListPreferencesRequest, context: Context
    ) -> pb.ListPreferencesResponse:
        page = await self._commands.query(
            lambda tx, caller: list_preferences(
                tx,
                caller,
                request.brand_id,
                request.person_id,
                request.page_size,
                request.page_token,
            )
        )
        return pb.ListPreferencesResponse(
            data=map(consents.preference, page.items), next_page_token=page.next_page_token
        )
