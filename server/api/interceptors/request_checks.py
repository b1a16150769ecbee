"""Checks of a request before its method runs: it can be read, is not too large to judge, and keeps
the rules of its fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError, Message

from server.api.forms import OVERSIZED, find_oversized, find_violations
from server.api.threads import check_on_thread
from server.domain.errors import (
    CarillonError,
    MalformedRequest,
    PayloadTooLarge,
    ValidationFailed,
)
from server.rules.faults import find_faults, takes_long


def reading(deserialize: Any, max_bytes: int) -> Callable[[bytes], Message | CarillonError]:
    """Reads a request, or says why it cannot be; more than `max_bytes` are not even looked at. gRPC
    would answer an exception with its text."""

    def read(data: bytes) -> Message | CarillonError:
        if len(data) > max_bytes:
            return PayloadTooLarge()
        try:
            message: Message = deserialize(data)
        except DecodeError:
            return MalformedRequest()
        oversized = find_oversized(message) if len(data) > OVERSIZED else []
        return ValidationFailed(oversized) if oversized else message

    return read


async def acceptable(request: Message | CarillonError) -> Message:
    """The request. Raises why it could not be read, or ValidationFailed with every field that
    breaks a rule of its proto."""
    if isinstance(request, CarillonError):
        raise request
    faults = (
        await check_on_thread(lambda: find_faults(request))
        if takes_long(request)
        else find_faults(request)
    )
    if faults:
        raise ValidationFailed(faults)
    return request


async def complete(error: Exception, request: Message | CarillonError) -> Exception:
    """The error; one about fields with all else that is wrong with fields of the request."""
    # Another class of it is raised after all fields were found good: there is nothing to add.
    if type(error) is not ValidationFailed or not isinstance(request, Message):
        return error
    named = {violation.field for violation in error.violations}
    others = await check_on_thread(lambda: find_violations(request))
    return ValidationFailed(
        [*error.violations, *(other for other in others if other.field not in named)]
    )
