"""An identity service on loopback, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.identity.http import IdentityClient
from tests.support.clocks import ManualClock
from tests.support.identity import IdentityService


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def service(clock: ManualClock) -> AsyncIterator[IdentityService]:
    """One that has a key."""
    identity = IdentityService(clock)
    identity.rotate("k1")
    await identity.start()
    yield identity
    if identity.held is not None:
        identity.held.set()
    await identity.stop()


@pytest.fixture
async def client() -> AsyncIterator[IdentityClient]:
    """One with more patience than any test needs."""
    made = IdentityClient(30)
    yield made
    await made.close()


@pytest.fixture
async def hasty() -> AsyncIterator[IdentityClient]:
    """One that does not wait for long."""
    made = IdentityClient(0.4)
    yield made
    await made.close()
