"""Calls the running service over gRPC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import grpc
from google.rpc import error_details_pb2, status_pb2

from carillon.messaging.v1 import person_service_pb2, person_service_pb2_grpc
from carillon.type.v1 import channel_pb2
from server.domain.contacts.person import NewPerson
from server.domain.errors import FieldViolation
from server.importer.delivery import PutBatch
from server.importer.errors import BatchRefused, BatchTooLarge, ImportStopped, Refusal, Unreachable
from server.rules.faults import find_faults

CALL_SECONDS = 120.0
"""After which a call counts as lost. Ten thousand people take a few seconds."""
_RECONNECT_MS = 2000
_CHANNELS = dict(channel_pb2.Channel.items())
_IN_BATCH = re.compile(r"people\[(\d+)\]\.?(.*)")
_AWAY = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
)


class GrpcPeopleService:
    """See `server.importer.delivery.PeopleService`."""

    def __init__(self, channel: grpc.Channel, address: str, brand_id: str, token: str) -> None:
        self._stub = person_service_pb2_grpc.PersonServiceStub(channel)
        self._address = address
        self._brand_id = brand_id
        self._metadata = (("authorization", f"Bearer {token}"),)

    def find_faults(self, person: NewPerson) -> Sequence[FieldViolation]:
        return person_faults(person)

    def put(self, people: Sequence[NewPerson]) -> PutBatch:
        request = person_service_pb2.BatchPutPeopleRequest(
            brand_id=self._brand_id, people=map(_person, people)
        )
        return _GrpcCall(
            self._stub.BatchPutPeople.future(
                request, timeout=CALL_SECONDS, metadata=self._metadata
            ),
            self._address,
        )


@contextmanager
def people_service(
    address: str, brand_id: str, token: str, ca: bytes | None = None
) -> Iterator[GrpcPeopleService]:
    """The service at `address` (host:port), until the end of the block; by TLS if the authorities
    of its certificate are given (PEM). It need not be there yet."""
    options = [("grpc.max_reconnect_backoff_ms", _RECONNECT_MS)]
    with (
        grpc.insecure_channel(address, options)
        if ca is None
        else grpc.secure_channel(address, grpc.ssl_channel_credentials(ca), options)
    ) as channel:
        yield GrpcPeopleService(channel, address, brand_id, token)


def person_faults(person: NewPerson) -> Sequence[FieldViolation]:
    """What a person breaks of the rules that stand in the proto. Their attributes, of which there
    are none, are left out."""
    return find_faults(_without_attributes(person))


class _GrpcCall:
    def __init__(self, future: Any, address: str) -> None:
        self._future = future
        self._address = address

    def result(self) -> None:
        try:
            self._future.result()
        except grpc.RpcError as error:
            raise _meaning(error, self._address) from None
        except grpc.FutureCancelledError:
            raise Unreachable(f"the call to {self._address} was cut off") from None


def _person(person: NewPerson) -> person_service_pb2.PersonToPut:
    message = _without_attributes(person)
    if person.attributes:
        message.attributes.update(cast(dict[str, Any], person.attributes))
    return message


def _without_attributes(person: NewPerson) -> person_service_pb2.PersonToPut:
    return person_service_pb2.PersonToPut(
        person_id=person.person_id,
        email=person.email,
        phone=person.phone,
        push_tokens=person.push_tokens,
        locale=person.locale,
        time_zone=person.time_zone,
        consents=[
            person_service_pb2.ConsentToPut(
                channel=_CHANNELS[each.channel],
                category=each.category,
                opted_in=each.opted_in,
                source=each.source,
            )
            for each in person.consents
        ],
    )


def _meaning(error: Any, address: str) -> Exception:
    code = error.code()
    if code in _AWAY:
        return Unreachable(f"the service at {address} does not answer")
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return BatchTooLarge()
    if code is grpc.StatusCode.INVALID_ARGUMENT and (
        refusals := [*_refusals(error.trailing_metadata() or ())]
    ):
        return BatchRefused(refusals)
    return ImportStopped(
        f"the service at {address} refuses: {error.details()} ({code.name.lower()})"
    )


def _refusals(metadata: Iterable[tuple[str, str | bytes]]) -> Iterator[Refusal]:
    for key, value in metadata:
        if key != "grpc-status-details-bin" or not isinstance(value, bytes):
            continue
        for detail in status_pb2.Status.FromString(value).details:
            bad_request = error_details_pb2.BadRequest()
            if detail.Unpack(bad_request):
                yield from _in_batch(bad_request.field_violations)


def _in_batch(violations: Iterable[Any]) -> Iterator[Refusal]:
    for violation in violations:
        if found := _IN_BATCH.fullmatch(violation.field):
            yield Refusal(int(found[1]), found[2], violation.description)
