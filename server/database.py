"""What a command on the machine does to the database, beside a running service or without one:
bring its schema up to date, prune it, run an operator's command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from server.config import Settings
from server.dispatch.maintenance.pruner import Pruning
from server.domain.access import Caller, Principal
from storage.contract.storage import Transaction
from storage.sql.open import migrate, open_storage

T = TypeVar("T")

OPERATOR = Principal("cli", frozenset(), frozenset())
"""Whoever runs a command on the machine: who can read the settings and the key may do anything."""


async def migrate_database(settings: Settings) -> None:
    """Brings the database's schema to this version. Safe to run again, and by several processes at
    once."""
    await migrate(settings.effective_database_url)


async def prune_database(settings: Settings, days: int) -> Pruning:
    """Deletes messages that ended more than so many days ago, and old answers to idempotency keys.
    Returns what was deleted.

    Runs beside a service on PostgreSQL. Raises DatabaseInUse if one has the embedded database.
    """
    storage = await open_storage(settings.effective_database_url)
    try:
        pruning = Pruning(storage, await storage.now(), days)
        while await pruning.step():
            pass
        return pruning
    finally:
        await storage.close()


async def operate(settings: Settings, command: Callable[[Transaction, Caller], Awaitable[T]]) -> T:
    """Runs an operator's command in the database, beside whoever serves it or without. Raises
    CarillonError, StorageError."""
    storage = await open_storage(settings.effective_database_url, beside=True)
    try:
        caller = Caller(OPERATOR, await storage.now())
        return await storage.write(lambda tx: command(tx, caller))
    finally:
        await storage.close()
