"""Leaves push services alone that do not answer, each by itself."""

from __future__ import annotations

from collections import OrderedDict
from random import SystemRandom
from urllib.parse import urlsplit

from server.domain.delivery.circuit_breaker import CircuitBreaker

_MOST_HOSTS = 1024
"""Hosts that are remembered. There are a few push services; the rest are names that somebody has
made up."""


class HostCircuits:
    """A circuit breaker for each host that subscriptions name, so that a dead one takes no room
    from the others."""

    def __init__(self) -> None:
        self._random = SystemRandom()
        self._by_host: OrderedDict[str, CircuitBreaker] = OrderedDict()

    def of(self, endpoint: str) -> CircuitBreaker:
        """That of the endpoint's host and port."""
        host = urlsplit(endpoint).netloc.lower()
        circuit = self._by_host.setdefault(host, CircuitBreaker(self._random))
        self._by_host.move_to_end(host)
        if len(self._by_host) > _MOST_HOSTS:
            self._by_host.popitem(last=False)
        return circuit
