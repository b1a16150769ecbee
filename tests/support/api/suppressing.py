"""Suppressing addresses through the API."""

from __future__ import annotations

from typing import Any

from tests.support.api.answers import Answer
from tests.support.api.callers import Caller

SUPPRESSIONS = "comms.SuppressionService"


async def suppress(
    api: Caller, brand: str, address: str, reason: str, channel: str = "email", **more: Any
) -> Answer:
    """Suppresses an address."""
    request = {"brand_id": brand, "channel": channel, "address": address, "reason": reason, **more}
    return await api.call(f"{SUPPRESSIONS}/CreateSuppression", request)


async def find(api: Caller, brand: str, address: str, channel: str = "email") -> Answer:
    """Looks for the suppression of an address."""
    return await api.call(
        f"{SUPPRESSIONS}/FindSuppression",
        {"brand_id": brand, "channel": channel, "address": address},
    )
