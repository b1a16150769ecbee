"""First answers to idempotency keys."""

from __future__ import annotations

import asyncio

import pytest

from storage.contract.errors import WriteConflict
from storage.contract.storage import Transaction
from storage.model.idempotency import IdempotencyRecord
from tests.support.storage import made
from tests.support.storage.scene import Scene


async def test_an_idempotency_record_comes_back_as_it_was_given(scene: Scene) -> None:
    given = made.idempotency_record()
    await scene.storage.write(lambda tx: tx.idempotency.insert(given))
    assert await scene.storage.read(lambda tx: tx.idempotency.find(given.scope, given.key)) == given
    assert await scene.storage.read(lambda tx: tx.idempotency.find("other", given.key)) is None
    with pytest.raises(WriteConflict):
        await scene.storage.write(lambda tx: tx.idempotency.insert(given))


async def test_of_concurrent_requests_with_one_idempotency_key_one_inserts_and_the_others_find_it(
    scene: Scene,
) -> None:
    async def request(number: int) -> IdempotencyRecord:
        async def once(tx: Transaction) -> IdempotencyRecord:
            if (found := await tx.idempotency.find("brand/send", "key")) is not None:
                return found
            await tx.idempotency.insert(made.idempotency_record(response=bytes([number])))
            found = await tx.idempotency.find("brand/send", "key")
            assert found is not None
            return found

        return await scene.storage.write(once)

    answers = await asyncio.gather(*(request(number) for number in range(10)))
    assert len({answer.response for answer in answers}) == 1
