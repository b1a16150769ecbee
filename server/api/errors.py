"""Maps exceptions to the errors that gRPC and REST callers get (AIP-193)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from math import ceil
from urllib.parse import quote

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from server.api.fault_ids import FaultIds
from server.api.policies import Policy
from server.domain.errors import (
    BadState,
    BrandExists,
    BudgetSpent,
    CarillonError,
    DeadlineExceeded,
    DedupKeyUsed,
    IdentityUnavailable,
    KeyReused,
    MalformedRequest,
    NoCanaryNumber,
    NoConsent,
    NoRoom,
    NoSteps,
    NotFound,
    Overloaded,
    PatientAmbiguous,
    PayloadTooLarge,
    PreferenceOff,
    ScopeMissing,
    SegmentArchived,
    ServicesOnly,
    Suppressed,
    TemplateExists,
    TemplateUnusable,
    Unauthenticated,
    Unavailable,
    UnknownBrand,
    ValidationFailed,
    VariablesInvalid,
    WebhookUnverified,
)
from storage.contract.errors import StorageFull, StorageUnavailable, TookTooLong, WriteConflict

DOMAIN = "carillon"
MAX_STATUS_BYTES = 7000
"""Largest message and details of an error. They travel as metadata, of which a client accepts 8 KB
in all by default."""
_FRAME_BYTES = 4
"""What protobuf adds around a nested message of this size."""
HTTP_CODE_KEY = "x-http-code"
"""Metadata key that tells the gateway the HTTP status; grpc-gateway's convention."""

CODES: dict[type[CarillonError], grpc.StatusCode] = {
    ValidationFailed: grpc.StatusCode.INVALID_ARGUMENT,
    MalformedRequest: grpc.StatusCode.INVALID_ARGUMENT,
    KeyReused: grpc.StatusCode.INVALID_ARGUMENT,
    TemplateUnusable: grpc.StatusCode.INVALID_ARGUMENT,
    VariablesInvalid: grpc.StatusCode.INVALID_ARGUMENT,
    Suppressed: grpc.StatusCode.INVALID_ARGUMENT,
    NoConsent: grpc.StatusCode.INVALID_ARGUMENT,
    PreferenceOff: grpc.StatusCode.INVALID_ARGUMENT,
    WebhookUnverified: grpc.StatusCode.INVALID_ARGUMENT,
    PayloadTooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    DedupKeyUsed: grpc.StatusCode.ALREADY_EXISTS,
    NotFound: grpc.StatusCode.NOT_FOUND,
    BadState: grpc.StatusCode.FAILED_PRECONDITION,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    BrandExists: grpc.StatusCode.FAILED_PRECONDITION,
    TemplateExists: grpc.StatusCode.ALREADY_EXISTS,
    NoCanaryNumber: grpc.StatusCode.FAILED_PRECONDITION,
    NoSteps: grpc.StatusCode.FAILED_PRECONDITION,
    SegmentArchived: grpc.StatusCode.FAILED_PRECONDITION,
    PatientAmbiguous: grpc.StatusCode.FAILED_PRECONDITION,
    UnknownBrand: grpc.StatusCode.PERMISSION_DENIED,
    ScopeMissing: grpc.StatusCode.PERMISSION_DENIED,
    ServicesOnly: grpc.StatusCode.PERMISSION_DENIED,
    IdentityUnavailable: grpc.StatusCode.UNAVAILABLE,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    NoRoom: grpc.StatusCode.UNAVAILABLE,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    BudgetSpent: grpc.StatusCode.RESOURCE_EXHAUSTED,
    DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
}

_HTTP: dict[grpc.StatusCode, int] = {
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 413,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
"""The same in both faces."""

_TOO_MANY_REQUESTS = 429
"""Of what is RESOURCE_EXHAUSTED and will do later; what is too large never will."""

_log = logging.getLogger(__name__)
_fault_ids = FaultIds()


@dataclass(frozen=True)
class RpcStatus(grpc.Status):
    """What `abort_with_status` takes."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, str | bytes], ...]


def rpc_status(error: Exception, method: str, policy: Policy) -> RpcStatus:
    """The answer for an exception. One that is not meant for callers is logged under an id, and
    the answer has only the id."""
    public = public_error(error, method)
    code = CODES.get(type(public), grpc.StatusCode.INTERNAL)
    number = int(code.value[0])
    status = status_pb2.Status(code=number, message=public.message, details=_details(public))
    metadata: tuple[tuple[str, str | bytes], ...] = (
        ("grpc-status-details-bin", status.SerializeToString()),
        (HTTP_CODE_KEY, str(_http_status_of(public, code, policy))),
    )
    if public.retry_after_seconds is not None:
        metadata += (("retry-after", str(public.retry_after_seconds)),)
    if isinstance(public, BudgetSpent):
        metadata += _rate_limit(public)
    return RpcStatus(code, public.message, metadata)


def _rate_limit(error: BudgetSpent) -> tuple[tuple[str, str], ...]:
    """The fields of draft-ietf-httpapi-ratelimit-headers."""
    window = ceil(error.burst_seconds)
    quota = max(1, int(error.per_second * error.burst_seconds))
    return (
        ("ratelimit-policy", f'"{error.budget}";q={quota};w={window}'),
        ("ratelimit", f'"{error.budget}";r=0;t={error.retry_after_seconds}'),
    )


def _http_status_of(error: CarillonError, code: grpc.StatusCode, policy: Policy) -> int:
    return _TOO_MANY_REQUESTS if isinstance(error, Overloaded) else http_status(code, policy)


def http_status(code: grpc.StatusCode, policy: Policy) -> int:
    """The HTTP status a gRPC code stands for in this method's face."""
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return policy.invalid_argument_status
    if code is grpc.StatusCode.FAILED_PRECONDITION:
        return policy.failed_precondition_status
    return _HTTP.get(code, 500)


def public_error(error: Exception, method: str) -> CarillonError:
    """The error that a caller may see for an exception; the log keeps what it must not."""
    if isinstance(error, CarillonError):
        return error
    if isinstance(error, StorageFull):
        _log.warning("storage had no room for %s", method)
        return NoRoom()
    if isinstance(error, TookTooLong):
        _log.warning("the database took too long for %s", method)
        return DeadlineExceeded()
    if isinstance(error, StorageUnavailable | WriteConflict):
        _log.warning("storage did not answer for %s", method, exc_info=error)
        return Unavailable()
    error_id = _fault_ids.id_of(error, method)
    _log.error("fault %s in %s", error_id, method, exc_info=error, extra={"by_text": True})
    return CarillonError(
        "internal",
        "the service failed; the error_id finds the cause in its log",
        {"error_id": error_id},
    )


def public_details(error: CarillonError) -> dict[str, object]:
    """The details of an error as REST shows them."""
    details: dict[str, object] = dict(error.details)
    if isinstance(error, ValidationFailed):
        details["fields"] = [
            {"field": each.field, "message": each.message} for each in error.violations
        ]
    return details


def _details(error: CarillonError) -> list[any_pb2.Any]:
    if not isinstance(error, ValidationFailed):
        info = error_details_pb2.ErrorInfo(
            reason=error.reason.upper(), domain=DOMAIN, metadata=error.details
        )
        return [_packed(info), *_retry_info(error)]
    bad_request = _bad_request(error)
    left_out = len(error.violations) - len(bad_request.field_violations)
    metadata = error.details | ({"fields_left_out": str(left_out)} if left_out else {})
    info = error_details_pb2.ErrorInfo(
        reason=error.reason.upper(), domain=DOMAIN, metadata=metadata
    )
    return [_packed(info), _packed(bad_request)]


def _retry_info(error: CarillonError) -> list[any_pb2.Any]:
    if error.retry_after_seconds is None:
        return []
    delay = duration_pb2.Duration(seconds=error.retry_after_seconds)
    details: list[Message] = [error_details_pb2.RetryInfo(retry_delay=delay)]
    if isinstance(error, BudgetSpent):
        violation = error_details_pb2.QuotaFailure.Violation(
            subject=f"brand:{error.budget}", description=error.message
        )
        details.append(error_details_pb2.QuotaFailure(violations=[violation]))
    return [_packed(detail) for detail in details]


def _bad_request(error: ValidationFailed) -> error_details_pb2.BadRequest:
    """The first violations, as many as the answer has room for."""
    # The message goes out twice: within the details, and percent-encoded beside them.
    room = MAX_STATUS_BYTES - len(error.message.encode()) - len(quote(error.message))
    bad_request = error_details_pb2.BadRequest()
    for violation in error.violations:
        one = error_details_pb2.BadRequest.FieldViolation(
            field=violation.field, description=violation.message
        )
        room -= one.ByteSize() + _FRAME_BYTES
        if room < 0:
            break
        bad_request.field_violations.append(one)
    return bad_request


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
