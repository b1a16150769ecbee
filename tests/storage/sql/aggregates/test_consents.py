"""Consents and preferences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from storage.contract.storage import Transaction
from storage.model.consents import Consent
from storage.model.ids import new_id
from storage.model.preferences import Preference
from tests.support.storage.made import BRAND, NOW, SECOND
from tests.support.storage.scene import Scene


def consent(**more: Any) -> Consent:
    values: dict[str, Any] = {
        "id": new_id(), "brand_id": BRAND, "person_id": "ann", "channel": "email",
        "category": "news", "opted_in": True, "source": "signup", "created_at": NOW,
        "updated_at": NOW,
    }  # fmt: skip
    return Consent(**values | more)


def preference(**more: Any) -> Preference:
    values: dict[str, Any] = {
        "id": new_id(), "brand_id": BRAND, "person_id": "ann", "channel": "email",
        "category": "news", "enabled": True, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Preference(**values | more)


def consents(tx: Transaction) -> Any:
    return tx.consents


def preferences(tx: Transaction) -> Any:
    return tx.preferences


BOTH = pytest.mark.parametrize(
    ("store", "make", "changes"),
    [
        (consents, consent, {"opted_in": False, "source": "page"}),
        (preferences, preference, {"enabled": False}),
    ],
    ids=["consents", "preferences"],
)


@BOTH
async def test_what_is_put_again_keeps_its_id_and_when_it_was_first_put(
    scene: Scene, store: Callable[[Transaction], Any], make: Callable[..., Any], changes: Any
) -> None:
    later = {"created_at": NOW + SECOND, "updated_at": NOW + SECOND}
    first, second = make(), make(**changes, **later)
    for record in (first, second):
        await scene.storage.write(lambda tx, record=record: store(tx).put_many([record]))  # type: ignore[misc]
    found = await scene.storage.read(lambda tx: store(tx).find(BRAND, "ann", "email", "news"))
    assert found == replace(second, id=first.id, created_at=NOW)


@BOTH
async def test_each_is_apart_by_brand_person_channel_and_category(
    scene: Scene, store: Callable[[Transaction], Any], make: Callable[..., Any], changes: Any
) -> None:
    records = [
        make(),
        make(category="News"),
        make(channel="sms"),
        make(person_id="bob"),
        make(brand_id="other"),
    ]
    await scene.storage.write(lambda tx: store(tx).put_many(records))

    async def look(tx: Transaction) -> list[list[Any]]:
        newest = await store(tx).list_page(BRAND, "ann", None, 2)
        rest = await store(tx).list_page(BRAND, "ann", newest[-1].id, 9)
        assert await store(tx).find(BRAND, "ann", "push", "news") is None
        return [newest, rest]

    mine = sorted(records[:3], key=lambda each: each.id, reverse=True)
    assert await scene.storage.read(look) == [mine[:2], mine[2:]]
