"""Putting many people at once, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.contract.storage import Storage, Transaction
from storage.model.people import Person
from storage.sql.open import migrate, open_storage

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ANN = Person(
    brand_id="b",
    person_id="ann",
    attributes={
        "text": "é\u2028\\\"'",
        "numbers": [0.1, -1, 1e22],
        "none": None,
        "deep": {"a": {"b": True}},
    },
    email="ann@example.com",
    phone="+12025550100",
    push_tokens=("one", 'tab\t"two"'),
    locale="pt-BR",
    time_zone="Europe/Lisbon",
    created_at=NOW,
    updated_at=NOW,
)


@pytest.fixture(params=["sqlite", "postgres"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    new_database: Callable[[], str] | None = (
        request.getfixturevalue("new_postgres_database") if request.param == "postgres" else None
    )
    url = f"sqlite:///{tmp_path / 'people.db'}" if new_database is None else new_database()
    await migrate(url)
    opened = await open_storage(url)
    yield opened
    await opened.close()


async def found(storage: Storage, person_id: str) -> Person | None:
    return await storage.read(lambda tx: tx.people.find("b", person_id))


async def test_every_field_comes_back_as_one_put_alone_would(storage: Storage) -> None:
    bare = replace(
        ANN,
        person_id="bare",
        attributes={},
        email=None,
        phone=None,
        push_tokens=(),
        locale=None,
        time_zone=None,
    )
    await storage.write(lambda tx: tx.people.put_many([ANN, bare]))
    assert await found(storage, "ann") == ANN
    assert await found(storage, "bare") == bare
    alone = replace(ANN, person_id="alone")
    assert await storage.write(lambda tx: tx.people.put(alone)) == replace(
        await found(storage, "ann") or ANN, person_id="alone"
    )


async def test_who_is_there_is_replaced_but_for_when_they_came(storage: Storage) -> None:
    await storage.write(lambda tx: tx.people.put(ANN))
    changed = replace(
        ANN,
        attributes={"only": "this"},
        email=None,
        push_tokens=(),
        created_at=LATER,
        updated_at=LATER,
    )
    await storage.write(lambda tx: tx.people.put_many([changed]))
    assert await found(storage, "ann") == replace(changed, created_at=NOW)


async def test_several_bulks_in_one_transaction_stand_or_fall_together(storage: Storage) -> None:
    async def twice(tx: Transaction) -> None:
        await tx.people.put_many([])
        await tx.people.put_many([ANN])
        await tx.people.put_many([replace(ANN, locale="de"), replace(ANN, person_id="bob")])

    async def and_fail(tx: Transaction) -> None:
        await tx.people.put_many([replace(ANN, locale="fr"), replace(ANN, person_id="eve")])
        raise LookupError

    await storage.write(twice)
    with pytest.raises(LookupError):
        await storage.write(and_fail)
    ann = await found(storage, "ann")
    assert ann is not None
    assert ann.locale == "de"
    assert await found(storage, "bob") is not None
    assert await found(storage, "eve") is None
