"""Keeps who makes the call that is running, and the metadata that came with it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import grpc

from server.domain.access import Principal
from server.domain.errors import ValidationFailed

if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]
    Context = grpc.aio.ServicerContext[Any, Any]
else:  # grpcio's classes are generic only in their stubs
    Handler = grpc.RpcMethodHandler
    Context = grpc.aio.ServicerContext

Metadata = tuple[tuple[str, str | bytes], ...]

principal: ContextVar[Principal] = ContextVar("principal")
"""Set once the caller is known."""
metadata: ContextVar[Metadata] = ContextVar("metadata")
"""Set before anything else."""


def current_principal() -> Principal:
    """The verified caller of the method that is running."""
    return principal.get()


def current_metadata(name: str) -> str | None:
    """The value of this name in the metadata of the call that is running. Raises ValidationFailed
    if there are several.

    A context would make the metadata anew every time it is asked for them.
    """
    return value_of(metadata.get(), name)


def value_of(given: Metadata, name: str) -> str | None:
    """The value of this name in the metadata. Raises ValidationFailed if there are several."""
    found = None
    for key, value in given:
        if key == name and isinstance(value, str):
            if found is not None:
                raise ValidationFailed.of(name, "must be given only once")
            found = value
    return found
