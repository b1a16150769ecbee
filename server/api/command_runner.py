"""Runs the command of a method: in one transaction, with the caller, and for a change behind its
idempotency key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message as ProtoMessage

from server.api.interceptors.call import current_metadata, current_principal
from server.api.turns import Turns
from server.commands.command import Command, Commit
from server.domain.access import Caller
from server.domain.clock import Clock
from server.domain.errors import CarillonError, KeyReused
from server.domain.validation import NAME_LENGTH, Checks
from storage.contract.storage import Storage, Transaction
from storage.contract.work import PREVIEWS_AT_ONCE, Work
from storage.model.idempotency import IdempotencyRecord

Result = TypeVar("Result")
Response = TypeVar("Response", bound=ProtoMessage)

IDEMPOTENCY_KEY = "idempotency-key"
REQUEST_ID = "x-request-id"
"""The gateway gives each request one; a gRPC client may."""


class CommandRunner:
    """Runs commands for services."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._previews = Turns(PREVIEWS_AT_ONCE)

    async def query(self, command: Command[Result]) -> Result:
        """Runs a command that only reads."""
        caller = self.caller()
        return await self._storage.read(
            lambda tx: command(tx, caller), whose=caller.principal.party
        )

    async def preview(self, brand_id: str, command: Command[Result]) -> Result:
        """Runs a command that only reads and may take long: one of a brand at a time. Raises
        Overloaded if its turn does not come, NotFound for a brand of others."""
        caller = self.caller()
        caller.principal.require_brand(brand_id)
        async with self._previews.turn(brand_id):
            return await self._storage.read(lambda tx: command(tx, caller), Work.PREVIEWS)

    async def change(
        self,
        request: ProtoMessage,
        command: Command[Result],
        respond: Callable[[Result], Response],
        response_type: type[Response],
    ) -> Response:
        """Runs a command that writes, and returns its answer once that is durable.

        With an idempotency key, the answer is kept in the same transaction; the same request under
        the same key gets the kept answer, and another one KeyReused. Only successes are kept: a
        refusal changed nothing.
        """
        caller = self.caller()
        key, party = _idempotency_key(), caller.principal.party

        async def once(tx: Transaction) -> Response:
            return respond(await command(tx, caller))

        if key is None:
            return await self._storage.write(once, whose=party)
        scope, digest = caller.principal.idempotency_scope, _digest(request)

        async def kept(tx: Transaction) -> Response | None:
            record = await tx.idempotency.find(scope, key)
            if record is None:
                return None
            if record.fingerprint != digest:
                raise KeyReused("idempotency_key")
            return response_type.FromString(record.response)

        async def keyed(tx: Transaction) -> Response:
            response = await kept(tx)
            if response is None:
                response = await once(tx)
                await tx.idempotency.insert(
                    IdempotencyRecord(
                        scope=scope,
                        key=key,
                        fingerprint=digest,
                        response=response.SerializeToString(),
                        created_at=caller.now,
                    )
                )
            return response

        try:
            return await self._storage.write(keyed, whose=party)
        except CarillonError:
            # The same request at the same time may have been what stood in the way: it has
            # committed by now.
            response = await self._storage.read(kept, whose=party)
            if response is None:
                raise
            return response

    def commit(
        self,
        request: ProtoMessage,
        respond: Callable[[Result], Response],
        response_type: type[Response],
    ) -> Commit[Result, Response]:
        """`change`, for a use case that goes on after its command is committed."""
        return lambda command: self.change(request, command, respond, response_type)

    def caller(self) -> Caller:
        """Who calls the method that is running, and when."""
        return Caller(current_principal(), self._clock.now(), current_metadata(REQUEST_ID))


def has_idempotency_key() -> bool:
    """Whether the call that is running carries a key, good or not."""
    return current_metadata(IDEMPOTENCY_KEY) is not None


def _idempotency_key() -> str | None:
    key = current_metadata(IDEMPOTENCY_KEY)
    if key is not None:
        checks = Checks()
        checks.line(IDEMPOTENCY_KEY, key, NAME_LENGTH)
        checks.finish()
    return key


def _digest(request: ProtoMessage) -> str:
    """Of the request and its type: one key does not span two methods."""
    name = request.DESCRIPTOR.full_name.encode()
    return hashlib.sha256(name + b"\n" + request.SerializeToString(deterministic=True)).hexdigest()
