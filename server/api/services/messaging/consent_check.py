"""carillon.messaging.v1.ConsentCheckService."""

from __future__ import annotations

from carillon.messaging.v1 import consent_check_service_pb2, consent_check_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import consents
from server.api.interceptors.call import Context
from server.commands.consents.queries import check_consent

pb = consent_check_service_pb2


class ConsentCheckService(consent_check_service_pb2_grpc.ConsentCheckServiceServicer):
    """Whether people agreed."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def CheckConsent(
        self, request: pb.CheckConsentRequest, context: Context
    ) -> pb.CheckConsentResponse:
        key = consents.read_key(request)
        return consents.check(
            await self._commands.query(lambda tx, caller: check_consent(tx, caller, key))
        )
