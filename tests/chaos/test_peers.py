"""The providers that the other tests here trust: what they say they took is on disk, once, whatever
comes after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from server.channels.email.smtp import SmtpProvider
from server.channels.provider import Delivery, Outcome
from tests.chaos.behaviour import Deed, Fault
from tests.chaos.peer import Peer, running_peer
from tests.support.channels.mail_server import MAIL_FROM, envelope


@dataclass
class Post:
    """A mail server, and our provider that delivers to it."""

    peer: Peer
    provider: SmtpProvider

    async def deliver(self, *message_ids: str) -> Sequence[Delivery]:
        """All at once."""
        return await asyncio.gather(
            *(self.provider.deliver(envelope(each,
                created_at=datetime.now(UTC))) for each in message_ids)
        )  # fmt: skip

    def taken(self) -> list[str]:
        return sorted(entry.message_id for entry in self.peer.entries())


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with running_peer("smtp", tmp_path / "ledger") as peer:
        provider = SmtpProvider(peer.url, MAIL_FROM, max_concurrency=1, timeout=5)
        await provider.start()
        yield Post(peer, provider)
        await provider.close()


async def test_mail_that_was_accepted_is_in_the_ledger_once(post: Post) -> None:
    ids = [f"m{number:03}" for number in range(50)]
    assert {delivery.outcome for delivery in await post.deliver(*ids)} == {Outcome.ACCEPTED}
    assert post.taken() == ids
    for entry in post.peer.entries():
        assert entry.begun <= entry.at


async def test_mail_that_was_refused_is_not_in_the_ledger(post: Post) -> None:
    await post.peer.behave(Fault(share=1, deed=Deed.REFUSE, reply="550 5.7.1 no"))
    (delivery,) = await post.deliver("m1")
    assert (delivery.outcome, delivery.reason) == (Outcome.REJECTED, "smtp_550")
    assert post.taken() == []


@pytest.mark.parametrize("taken", [True, False])
async def test_reset_after_the_body_is_ambiguous_whether_it_was_taken_or_not(
    post: Post, taken: bool
) -> None:
    await post.peer.behave(Fault(share=1, deed=Deed.RESET, taken=taken))
    (delivery,) = await post.deliver("m1")
    assert delivery.outcome is Outcome.AMBIGUOUS
    assert post.taken() == ["m1"] * taken


async def test_held_answer_comes_when_it_is_released(post: Post) -> None:
    await post.peer.behave(Fault(share=1, deed=Deed.HOLD))
    delivering = asyncio.create_task(post.deliver("m1"))
    await post.peer.took(1)
    assert not delivering.done()
    await post.peer.release()
    assert [delivery.outcome for delivery in await delivering] == [Outcome.ACCEPTED]


async def test_no_connection_while_it_refuses_them_and_again_after(post: Post) -> None:
    assert (await post.deliver("m1"))[0].outcome is Outcome.ACCEPTED
    await post.peer.refuse_connections()
    assert (await post.deliver("m2"))[0].outcome is Outcome.REJECTED
    await post.peer.listen()
    assert (await post.deliver("m3"))[0].outcome is Outcome.ACCEPTED
    assert post.taken() == ["m1", "m3"]


@pytest.mark.parametrize(
    ("options", "delivered", "replayed"), [(["--keeps-keys"], 1, 1), ([], 2, 0)]
)
async def test_known_key_is_answered_again_and_delivers_nothing(
    tmp_path: Path, options: list[str], delivered: int, replayed: int
) -> None:
    async with (
        running_peer("http", tmp_path / "ledger", *options) as peer,
        httpx.AsyncClient(base_url=peer.url) as client,
    ):
        for _ in range(2):
            answer = await client.post(
                "/", json={"message_id": "m1"}, headers={"idempotency-key": "k1"}
            )
            assert answer.json() == {"id": "taken-m1"}
        entries = peer.entries()
    assert [entry.replayed for entry in entries].count(False) == delivered
    assert [entry.replayed for entry in entries].count(True) == replayed
