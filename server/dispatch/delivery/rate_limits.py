"""How often providers may be called: what the settings say of a provider, and the policy of a brand
of its own messages."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from server.dispatch.delivery.reserve import Kind, without_reserve
from storage.model.brands import BrandPolicy
from storage.model.rates import RateLimit

_SHORTEST_BURST = 2
"""So that there is one for a one-off when sends have used theirs."""


class Limits:
    """The limits on one kind of messages on a channel.

    Sends share them with one-offs, but may use less of the burst: when a send has used what it may,
    a one-off still goes out at once.
    """

    def __init__(self, channel: str, kind: Kind, provider: RateLimit | None = None) -> None:
        self._channel = channel
        self._kind = kind
        self.provider = None if provider is None else self._of_kind(provider)
        """On all calls of the channel's provider; None: no limit."""

    def of_brand(self, policy: BrandPolicy) -> RateLimit | None:
        """On messages of the policy's brand; None: no limit."""
        limit = policy.rate_limits.get(self._channel)
        if not isinstance(limit, dict):
            return None
        key = f"brand:{policy.brand_id}:{self._channel}"
        return self._of_kind(
            RateLimit(key=key, per_second=float(limit["per_second"]), burst=int(limit["burst"]))
        )

    def _of_kind(self, limit: RateLimit) -> RateLimit:
        return (
            replace(limit, burst=without_reserve(limit.burst))
            if self._kind is Kind.SENDS
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
