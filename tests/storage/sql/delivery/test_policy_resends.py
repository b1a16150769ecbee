"""What a brand's policy has resent stands in the audit log; what goes out again under a known key
was no decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.model.audit import AuditEntry
from storage.model.brands import BrandPolicy, UnknownPolicy
from storage.model.messages import Message, MessageStatus
from tests.support.storage import made
from tests.support.storage.made import KNOWS_KEYS, NOW, SECOND
from tests.support.storage.scene import Scene


@pytest.fixture
async def resending(scene: Scene) -> Scene:
    """The brand resends what is unknown."""
    policy = BrandPolicy(brand_id=made.BRAND, unknown_policy=UnknownPolicy.RESEND)
    await scene.storage.write(lambda tx: tx.brands.put_policy(policy))
    return scene


async def entries(scene: Scene, message: Message) -> list[AuditEntry]:
    return await scene.storage.read(lambda tx: tx.audit.list_page(made.BRAND, message.id, None, 10))


async def test_recovery_notes_each_message_that_the_policy_resends(resending: Scene) -> None:
    send, _ = await resending.send(1)
    (started,) = await resending.start()
    recovery = await resending.recover(now=NOW + SECOND)
    assert (recovery.resent, recovery.in_doubt) == (1, 0)
    (entry,) = await entries(resending, started)
    assert (entry.actor, entry.action, entry.brand_id, entry.created_at) == (
        "carillon",
        "message_resolved",
        made.BRAND,
        NOW + SECOND,
    )
    assert entry.details == {"resolution": "resend", "unknown_policy": "resend", "send_id": send.id}


async def test_recovery_notes_nothing_of_what_goes_out_again_under_a_known_key_or_is_parked(
    scene: Scene,
) -> None:
    await scene.one_off()
    (known,) = await scene.start()
    assert (await scene.recover(now=NOW + SECOND, key_windows=KNOWS_KEYS)).resent == 1
    assert await entries(scene, known) == []
    await scene.claim()
    (again,) = [await scene.found(known)]
    await scene.mark([again])
    assert (await scene.recover(now=NOW + SECOND)).in_doubt == 1
    assert await entries(scene, known) == []


async def test_a_result_notes_that_the_policy_resends_it_if_it_takes_effect(scene: Scene) -> None:
    await scene.one_off()
    (started,) = await scene.start()
    late = made.settlement(started, MessageStatus.PENDING, resent_by_policy=True)
    assert await scene.settle(replace(late, lease=late.lease - 1)) == set()
    assert await entries(scene, started) == []
    assert await scene.settle(
        made.settlement(started, MessageStatus.PENDING, resent_by_policy=True)
    ) == {started.id}
    (entry,) = await entries(scene, started)
    assert (entry.actor, entry.details) == (
        "carillon",
        {"resolution": "resend", "unknown_policy": "resend"},
    )


async def test_another_retry_is_no_decision(scene: Scene) -> None:
    await scene.one_off()
    (started,) = await scene.start()
    assert await scene.settle(made.settlement(started, MessageStatus.PENDING)) == {started.id}
    assert await entries(scene, started) == []
