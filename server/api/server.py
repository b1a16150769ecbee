"""The gRPC server: every service behind the interceptors, health, reflection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from carillon.comms.v1 import (
    campaign_service_pb2_grpc as comms_campaign_grpc,
)
from carillon.comms.v1 import (
    consent_service_pb2_grpc,
    inbox_service_pb2_grpc,
    message_service_pb2_grpc,
    notification_service_pb2_grpc,
    preference_service_pb2_grpc,
    push_service_pb2_grpc,
    sequence_service_pb2_grpc,
    sla_service_pb2_grpc,
    suppression_service_pb2_grpc,
    webhook_service_pb2_grpc,
)
from carillon.messaging.v1 import (
    campaign_service_pb2_grpc as messaging_campaign_grpc,
)
from carillon.messaging.v1 import (
    consent_check_service_pb2_grpc,
    person_service_pb2_grpc,
    segment_service_pb2_grpc,
    send_service_pb2_grpc,
    template_service_pb2_grpc,
)
from carillon.ops.v1 import (
    audit_service_pb2_grpc,
    brand_service_pb2_grpc,
    hold_service_pb2_grpc,
    probe_service_pb2_grpc,
    unknown_message_service_pb2_grpc,
)
from server.api.admission import admission_handler
from server.api.command_runner import CommandRunner
from server.api.credentials import TlsFiles, server_credentials
from server.api.health import DatabaseAnswers, Health
from server.api.interceptors.authentication import Authentication
from server.api.interceptors.budgets import BudgetCheck
from server.api.interceptors.call import Handler
from server.api.interceptors.guard import Guard
from server.api.interceptors.known_brands import KnownBrands
from server.api.options import ApiOptions
from server.api.policies import service_descriptors
from server.api.reflection import add_reflection
from server.api.services.comms.campaigns import CampaignService as CommsCampaigns
from server.api.services.comms.consents import ConsentService
from server.api.services.comms.inbox import InboxService
from server.api.services.comms.messages import MessageService
from server.api.services.comms.notifications import NotificationService
from server.api.services.comms.preferences import PreferenceService
from server.api.services.comms.push import PushService
from server.api.services.comms.sequences import SequenceService
from server.api.services.comms.sla import SlaService
from server.api.services.comms.suppressions import SuppressionService
from server.api.services.comms.unsubscribe import UnsubscribeService
from server.api.services.comms.webhooks import WebhookService
from server.api.services.messaging.campaigns import CampaignService as MessagingCampaigns
from server.api.services.messaging.consent_check import ConsentCheckService
from server.api.services.messaging.people import PersonService
from server.api.services.messaging.segments import SegmentService
from server.api.services.messaging.sends import SendService
from server.api.services.messaging.templates import TemplateService
from server.api.services.ops.brands import BrandService
from server.api.services.ops.operators import AuditService, HoldService, UnknownMessageService
from server.api.services.ops.probes import ProbeService, Readiness
from server.api.threads import RenderThreads
from server.api.transport import connection_options
from server.api.watchers import Watchers
from server.commands.messages.intake import MessageIntake
from server.commands.sends.watch import SendWatch
from server.domain.clock import Clock
from server.domain.contacts.unsubscribe import UnsubscribeLinks
from server.identity.verifier import TokenVerifier
from storage.contract.storage import Storage

UNCOMPRESSED = 1
"""gRPC's set of algorithms that has only the first: none."""
SHUTDOWN_GRACE = 10.0
"""Seconds that calls in progress have to end when the server stops."""


class GrpcServer:
    """Serves the whole API over gRPC on one port."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        tokens: TokenVerifier,
        links: UnsubscribeLinks,
        readiness: Readiness,
        database_answers: DatabaseAnswers,
        options: ApiOptions,
    ) -> None:
        names = [service.full_name for service in service_descriptors()]
        self._health = Health(names, database_answers)
        authentication = Authentication(tokens, KnownBrands(storage, clock))
        policies, limit = options.policies, options.max_request_bytes
        self.budgets = BudgetCheck(storage, options.budgets)
        self._server = grpc.aio.server(
            interceptors=[
                Guard(
                    authentication,
                    self.budgets,
                    policies,
                    max_request_bytes=limit,
                    has_room=options.has_room,
                )
            ],
            options=[
                # One byte more than any method takes: of a message that is too long, the gateway
                # passes on as much.
                ("grpc.max_receive_message_length", limit + 1),
                # A message of 128 MiB can be compressed to a thousandth, which anybody can send.
                ("grpc.compression_enabled_algorithms_bitset", UNCOMPRESSED),
                ("grpc.max_send_message_length", -1),
                *connection_options(options.max_connections),
            ],
        )
        # A server waits for a call of each registered method, and goes through all that it waits
        # for at every call; generic handlers, which the generated code adds as well, do without.
        self._server.add_registered_method_handlers = _leave_to_generic_handlers  # type: ignore[method-assign]
        self._add_services(storage, clock, links, readiness, options)
        self._server.add_generic_rpc_handlers([admission_handler(authentication, policies)])
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        if options.reflection:
            add_reflection(
                self._server, [*names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name]
            )

    def _add_services(
        self,
        storage: Storage,
        clock: Clock,
        links: UnsubscribeLinks,
        readiness: Readiness,
        options: ApiOptions,
    ) -> None:
        commands, server = CommandRunner(storage, clock), self._server
        send_wait_seconds, threads = options.send_wait_seconds, RenderThreads()
        watchers = Watchers(options.watchers_per_caller)
        comms_campaign_grpc.add_CampaignServiceServicer_to_server(
            CommsCampaigns(commands, storage), server
        )
        message_service_pb2_grpc.add_MessageServiceServicer_to_server(
            MessageService(
                commands, storage, MessageIntake(storage), links, threads, send_wait_seconds
            ),
            server,
        )
        template_service_pb2_grpc.add_TemplateServiceServicer_to_server(
            TemplateService(commands, threads), server
        )
        inbox_service_pb2_grpc.add_InboxServiceServicer_to_server(
            InboxService(commands, storage, clock, watchers), server
        )
        notification_service_pb2_grpc.add_NotificationServiceServicer_to_server(
            NotificationService(commands, storage, clock, watchers), server
        )
        messaging_campaign_grpc.add_CampaignServiceServicer_to_server(
            MessagingCampaigns(commands, storage, send_wait_seconds), server
        )
        send_service_pb2_grpc.add_SendServiceServicer_to_server(
            SendService(commands, storage, SendWatch(storage, clock), watchers), server
        )
        sequence_service_pb2_grpc.add_SequenceServiceServicer_to_server(
            SequenceService(commands, storage), server
        )
        person_service_pb2_grpc.add_PersonServiceServicer_to_server(PersonService(commands), server)
        segment_service_pb2_grpc.add_SegmentServiceServicer_to_server(
            SegmentService(commands), server
        )
        suppression_service_pb2_grpc.add_SuppressionServiceServicer_to_server(
            SuppressionService(commands), server
        )
        suppression_service_pb2_grpc.add_UnsubscribeServiceServicer_to_server(
            UnsubscribeService(storage, clock, links), server
        )
        consent_service_pb2_grpc.add_ConsentServiceServicer_to_server(
            ConsentService(commands), server
        )
        preference_service_pb2_grpc.add_PreferenceServiceServicer_to_server(
            PreferenceService(commands), server
        )
        consent_check_service_pb2_grpc.add_ConsentCheckServiceServicer_to_server(
            ConsentCheckService(commands), server
        )
        push_service_pb2_grpc.add_PushServiceServicer_to_server(
            PushService(commands, storage, options.push_key, send_wait_seconds), server
        )
        webhook_service_pb2_grpc.add_WebhookServiceServicer_to_server(
            WebhookService(storage, clock, options.email_secrets), server
        )
        sla_service_pb2_grpc.add_SlaServiceServicer_to_server(
            SlaService(commands, storage, options.sms_canary_number, options.sms_canary_seconds),
            server,
        )
        brand_service_pb2_grpc.add_BrandServiceServicer_to_server(BrandService(commands), server)
        unknown_message_service_pb2_grpc.add_UnknownMessageServiceServicer_to_server(
            UnknownMessageService(commands), server
        )
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(AuditService(commands), server)
        hold_service_pb2_grpc.add_HoldServiceServicer_to_server(HoldService(commands), server)
        probe_service_pb2_grpc.add_ProbeServiceServicer_to_server(ProbeService(readiness), server)

    async def start(self, *addresses: str, tls: TlsFiles | None = None) -> None:
        """Listens on `host:port`, by TLS if there are files for it, or on `unix:` and a path.
        Raises OSError if an address cannot be had, or a file not used."""
        credentials = None if tls is None else server_credentials(tls)
        for address in addresses:
            try:
                if credentials is None or address.startswith("unix:"):
                    self._server.add_insecure_port(address)
                else:
                    self._server.add_secure_port(address, credentials)
            except RuntimeError as error:
                raise OSError(f"cannot listen on {address}") from error
        await self._server.start()
        await self._health.start()

    async def stop(self, drain: float) -> None:
        """Tells health checks, goes on serving for `drain` seconds so that they notice, then takes
        no new calls and lets those in progress end."""
        await self._health.stop()
        await asyncio.sleep(drain)
        await self._server.stop(SHUTDOWN_GRACE)


def _leave_to_generic_handlers(service_name: str, method_handlers: Mapping[str, Handler]) -> None:
    """Registers nothing."""
