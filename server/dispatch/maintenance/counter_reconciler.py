"""Compares the counters of open sends with their rows. They must never differ."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime

from server.dispatch.metrics import DispatchMetrics
from storage.contract.storage import Storage, Transaction
from storage.model.sends import Counters, Recipients
from storage.model.values import JsonObject

SENDS = 200
"""Sends a pass; the next goes on after them."""

_log = logging.getLogger(__name__)


class CounterReconciler:
    """Recounts open sends."""

    name = "counter-reconciler"
    topics = ()

    def __init__(self, storage: Storage, metrics: DispatchMetrics) -> None:
        self._storage = storage
        self._metrics = metrics
        self._after: str | None = None
        self._drifting = 0
        """In this round through all open sends, so far."""

    async def run_once(self) -> bool:
        """Recounts some open sends. False: the next pass comes with time."""
        send_ids = await self._storage.read(lambda tx: tx.sends.list_open(self._after, SENDS))
        for send_id in send_ids:
            await self._recount(send_id)
        self._after = send_ids[-1] if len(send_ids) == SENDS else None
        self._metrics.drift(self._drifting)
        if self._after is None:
            self._drifting = 0
        return False

    async def next_due(self) -> datetime | None:
        """None: nothing announces a drift."""
        return None

    async def _recount(self, send_id: str) -> None:
        """In one transaction, so that both are of one moment."""
        kept, counted = await self._storage.read(lambda tx: _kept_and_counted(tx, send_id))
        if kept != counted:
            self._drifting += 1
            _log.error(
                "the counters of send %s have drifted: %s", send_id, _difference(kept, counted)
            )


async def _kept_and_counted(tx: Transaction, send_id: str) -> tuple[JsonObject, JsonObject]:
    send = await tx.sends.find(send_id)
    if send is None:
        # One that is pruned meanwhile has nothing to count.
        return {}, {}
    counted = await tx.sends.recount(send_id)
    recipients = await tx.sends.recount_recipients(send_id)
    return _by_name(send.counters, send.recipients), _by_name(counted, recipients)


def _by_name(counters: Counters, recipients: Recipients) -> JsonObject:
    people = {f"recipients_{name}": count for name, count in asdict(recipients).items()}
    return asdict(counters) | people


def _difference(kept: JsonObject, counted: JsonObject) -> str:
    return ", ".join(
        f"{name} is {value} but there are {counted[name]}"
        for name, value in kept.items()
        if value != counted[name]
    )
