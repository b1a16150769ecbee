"""carillon.comms.v1.ConsentService."""

from __future__ import annotations

from carillon.comms.v1 import consent_service_pb2, consent_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import consents
from server.api.interceptors.call import Context
from server.commands.consents.put import put_consent, revoke_consent
from server.commands.consents.queries import list_consents

pb = consent_service_pb2


class ConsentService(consent_service_pb2_grpc.ConsentServiceServicer):
    """What people agreed to."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def PutConsent(self, request: pb.PutConsentRequest, context: Context) -> pb.Consent:
        key = consents.read_key(request)
        return await self._commands.change(
            request,
            lambda tx, caller: put_consent(
                tx, caller, key, request.source, opted_in=request.opted_in
            ),
            consents.consent,
            pb.Consent,
        )

    async def ListConsents(
        self, request: pb.ListConsentsRequest, context: Context
    ) -> pb.ListConsentsResponse:
        page = await self._commands.query(
            lambda tx, caller: list_consents(
                tx,
                caller,
                request.brand_id,
                request.person_id,
                request.page_size,
                request.page_token,
            )
        )
        return pb.ListConsentsResponse(
            data=map(consents.consent, page.items), next_page_token=page.next_page_token
        )

    async def RevokeConsent(
        self, request: pb.RevokeConsentRequest, context: Context
    ) -> pb.RevokeConsentResponse:
        key = consents.read_key(request)
        return await self._commands.change(
            request,
            lambda tx, caller: revoke_consent(tx, caller, key),
            consents.revoked,
            pb.RevokeConsentResponse,
        )
