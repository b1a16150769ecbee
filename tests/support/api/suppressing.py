"""Suppressions and consents through the API."""

from __future__ import annotations

from typing import Any

from tests.support.api.answers import Answer
from tests.support.api.callers import Caller

SUPPRESSIONS = "comms.SuppressionService"


async def suppress(
    api: Caller, brand: str, address: str, reason: str, channel: str = "email", **more: Any
) -> Answer:
    """Suppresses an address."""
    request = {
        "brand_id": brand, "channel": channel, "address": address, "reason": reason,
        "source": "test", **more,
    }  # fmt: skip
    return await api.call(f"{SUPPRESSIONS}/CreateSuppression", request)


async def find(api: Caller, brand: str, address: str, channel: str = "email") -> Answer:
    """Looks whether an address is suppressed."""
    request = {"brand_id": brand, "channel": channel, "email": address}
    return await api.call(f"{SUPPRESSIONS}/GetSuppression", request)


async def found(
    api: Caller, brand: str, address: str, channel: str = "email"
) -> dict[str, Any] | None:
    """The suppression of an address; None if it has none that holds."""
    answer = await find(api, brand, address, channel)
    assert answer.status == 200, answer
    suppression: dict[str, Any] | None = answer.body["suppression"]
    assert answer.body["suppressed"] == (suppression is not None)
    return suppression


async def take_silence_for_consent(api: Caller, brand: str) -> None:
    """Lets campaigns of the brand reach people on sms who said nothing."""
    policy = {"brand_id": brand, "consent_defaults": [{"channel": "sms", "meaning": "opt_out"}]}
    answer = await api.call("ops.BrandService/SetBrandPolicy", policy)
    assert answer.status == 200, answer
