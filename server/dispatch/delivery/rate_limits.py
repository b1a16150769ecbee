"""Limits how often providers are called: by the settings of a provider, and by the policy of a
brand for its own messages."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from server.dispatch.delivery.reserve import marketing_share
from storage.model.brands import BrandPolicy
from storage.model.messages import Purpose
from storage.model.rates import RateLimit

_SHORTEST_BURST = 2
"""So that there is one for a transactional message when marketing has used its own."""


class RateLimits:
    """The limits on messages of one purpose on a channel.

    Both purposes share them, but marketing may use less of the burst: when it has used what it may,
    a transactional message still goes out at once.
    """

    def __init__(
        self, channel: str, purpose: Purpose | None, provider: RateLimit | None = None
    ) -> None:
        """`purpose` is None for both."""
        self._channel = channel
        self._purpose = purpose
        self.provider = None if provider is None else self._of_purpose(provider)
        """On all calls of the channel's provider; None: no limit."""

    def of_brand(self, policy: BrandPolicy) -> RateLimit | None:
        """On messages of the policy's brand; None: no limit."""
        limit = policy.rate_limits.get(self._channel)
        if not isinstance(limit, dict):
            return None
        key = f"brand:{policy.brand_id}:{self._channel}"
        return self._of_purpose(
            RateLimit(key=key, per_second=float(limit["per_second"]), burst=int(limit["burst"]))
        )

    def _of_purpose(self, limit: RateLimit) -> RateLimit:
        return (
            replace(limit, burst=marketing_share(limit.burst))
            if self._purpose is Purpose.MARKETING
            else limit
        )


def provider_limit(name: str, channel: str, per_second: float) -> RateLimit | None:
    """The limit on a provider's calls, of all replicas together; None if the rate is 0. Up to a
    quarter of a second's calls may begin at once, so that the rate is kept up by a dispatcher that
    looks some times a second."""
    if not per_second:
        return None
    return RateLimit(
        key=f"provider:{name}:{channel}",
        per_second=per_second,
        burst=max(_SHORTEST_BURST, ceil(per_second / 4)),
    )
