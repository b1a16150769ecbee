"""Reads from the protos what they say of each method: its scope and the HTTP statuses of its
answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from google.protobuf.descriptor import FileDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from carillon.comms.v1 import campaign_service_pb2 as comms_campaigns
from carillon.comms.v1 import (
    consent_service_pb2,
    inbox_service_pb2,
    message_service_pb2,
    notification_service_pb2,
    preference_service_pb2,
    push_service_pb2,
    sequence_service_pb2,
    sla_service_pb2,
    suppression_service_pb2,
    webhook_service_pb2,
)
from carillon.messaging.v1 import campaign_service_pb2 as messaging_campaigns
from carillon.messaging.v1 import (
    consent_check_service_pb2,
    person_service_pb2,
    segment_service_pb2,
    send_service_pb2,
    template_service_pb2,
)
from carillon.ops.v1 import (
    audit_service_pb2,
    brand_service_pb2,
    hold_service_pb2,
    probe_service_pb2,
    unknown_message_service_pb2,
)
from carillon.options.v1 import options_pb2
from server.api.field_scopes import FieldScope, field_scopes
from server.domain.scopes import is_of_operators, managing

_FILES: tuple[FileDescriptor, ...] = (
    comms_campaigns.DESCRIPTOR,
    message_service_pb2.DESCRIPTOR,
    sequence_service_pb2.DESCRIPTOR,
    inbox_service_pb2.DESCRIPTOR,
    notification_service_pb2.DESCRIPTOR,
    suppression_service_pb2.DESCRIPTOR,
    consent_service_pb2.DESCRIPTOR,
    preference_service_pb2.DESCRIPTOR,
    push_service_pb2.DESCRIPTOR,
    webhook_service_pb2.DESCRIPTOR,
    sla_service_pb2.DESCRIPTOR,
    messaging_campaigns.DESCRIPTOR,
    send_service_pb2.DESCRIPTOR,
    consent_check_service_pb2.DESCRIPTOR,
    person_service_pb2.DESCRIPTOR,
    segment_service_pb2.DESCRIPTOR,
    template_service_pb2.DESCRIPTOR,
    brand_service_pb2.DESCRIPTOR,
    unknown_message_service_pb2.DESCRIPTOR,
    audit_service_pb2.DESCRIPTOR,
    hold_service_pb2.DESCRIPTOR,
    probe_service_pb2.DESCRIPTOR,
)

DEFAULT_REQUEST_BYTES = 1024 * 1024
"""What 0 means in `carillon.options.v1.MethodPolicy`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the protos say of one method."""

    scopes: tuple[str, ...]
    """What a token must allow, all of it. Empty only for public methods."""
    public: bool
    services_only: bool
    field_scopes: tuple[FieldScope, ...]
    """What a request asks for besides, by its fields."""
    row_fields: tuple[str, ...]
    """Lists of a request whose items become rows."""
    max_request_bytes: int
    """Largest request, as the setting `max_request_bytes` allows."""
    adds: bool
    """Whether it is refused while there is too little room: it adds to what is kept."""
    invalid_argument_status: int
    failed_precondition_status: int

    def asking_for(self, scopes: tuple[str, ...]) -> Policy:
        """The same with other scopes."""
        return replace(self, scopes=scopes)


def service_descriptors() -> list[ServiceDescriptor]:
    """The services of the documented API and the probes."""
    return [service for file in _FILES for service in file.services_by_name.values()]


def method_policies() -> dict[str, Policy]:
    """Policy by full method path, e.g. `/carillon.comms.v1.CampaignService/SendCampaign`."""
    return {
        f"/{service.full_name}/{method.name}": _policy(service, method)
        for service in service_descriptors()
        for method in service.methods
    }


def all_scopes(policies: Mapping[str, Policy] | None = None) -> list[str]:
    """Every scope that some method or field asks for, sorted; by the protos, unless told
    otherwise."""
    asking = (method_policies() if policies is None else policies).values()
    of_methods = {scope for policy in asking for scope in policy.scopes}
    of_fields = {each.scope for policy in asking for each in policy.field_scopes}
    return sorted(of_methods | of_fields)


def default_scopes(policies: Mapping[str, Policy] | None = None) -> list[str]:
    """What a token has that nobody chose scopes for: all but those of operators."""
    return [scope for scope in all_scopes(policies) if not is_of_operators(scope)]


def scopes_of_people() -> list[str]:
    """What a person's token has that nobody chose scopes for: what is their own."""
    return [scope for scope in all_scopes() if scope.endswith(":notifications")]


def known_scopes(policies: Mapping[str, Policy] | None = None) -> list[str]:
    """What a token may hold: what methods ask for, and the `manage:…` that grant it."""
    asked_for = all_scopes(policies)
    return sorted({*asked_for, *managing(asked_for)})


def _policy(service: ServiceDescriptor, method: MethodDescriptor) -> Policy:
    of_service = service.GetOptions().Extensions[options_pb2.service]
    of_method = method.GetOptions().Extensions[options_pb2.method]
    reads = method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    return Policy(
        scopes=() if of_method.public else (of_method.scope, *of_method.also_scopes),
        public=of_method.public,
        services_only=of_method.services_only,
        field_scopes=field_scopes(method.input_type),
        row_fields=tuple(
            field.name
            for field in method.input_type.fields
            if field.GetOptions().Extensions[options_pb2.rows]
        ),
        max_request_bytes=of_method.max_request_bytes or DEFAULT_REQUEST_BYTES,
        adds=not (reads or of_method.when_full),
        invalid_argument_status=of_service.invalid_argument_status or 400,
        failed_precondition_status=of_service.failed_precondition_status or 412,
    )
