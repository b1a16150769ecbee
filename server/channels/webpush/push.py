"""Delivers push messages: to browsers, and to devices by another provider."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from server.channels.provider import Delivery, Envelope, Provider

_SUBSCRIPTION_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
"""Ids that the service makes (UUIDv7). Device tokens look otherwise, so that of an ended
subscription is never taken for one."""


class PushProvider:
    """Both ways out of the channel push, chosen by the address: the id of a push subscription, or
    else a device token."""

    name = "push"
    key_window = timedelta(0)
    """Of Web Push, which knows no keys. A message in doubt is not asked for again, since which way
    it went is known only to its address."""

    def __init__(self, browsers: Provider, devices: Provider) -> None:
        self._browsers = browsers
        self._devices = devices
        self.max_concurrency = max(browsers.max_concurrency, devices.max_concurrency)
        self.timeout = max(browsers.timeout, devices.timeout)

    async def start(self) -> None:
        await self._browsers.start()
        await self._devices.start()

    async def deliver(self, envelope: Envelope) -> Delivery:
        if not _SUBSCRIPTION_ID.fullmatch(envelope.address):
            return await self._devices.deliver(envelope)
        delivery = await self._browsers.deliver(envelope)
        # Each subscription names its own push service, which must not hold up the others.
        return replace(delivery, speaks_for_provider=False)

    async def close(self) -> None:
        await self._browsers.close()
        await self._devices.close()
