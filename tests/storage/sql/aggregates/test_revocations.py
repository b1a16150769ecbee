"""Revoked tokens."""

from __future__ import annotations

from datetime import timedelta

from storage.model.revocations import Revocation
from tests.support.storage.made import NOW
from tests.support.storage.scene import Scene


async def is_revoked(scene: Scene, token_id: str) -> bool:
    return await scene.storage.read(lambda tx: tx.revocations.has(token_id))


async def test_a_token_is_revoked_once_and_stays_so(scene: Scene) -> None:
    first = Revocation(token_id="t-1", revoked_at=NOW)
    again = Revocation(token_id="t-1", revoked_at=NOW + timedelta(days=1))
    assert await scene.storage.write(lambda tx: tx.revocations.insert(first))
    assert not await scene.storage.write(lambda tx: tx.revocations.insert(again))
    assert await is_revoked(scene, "t-1")
    for other in ("t-2", "T-1", "t-1 ", ""):
        assert not await is_revoked(scene, other)
