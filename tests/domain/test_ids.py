"""Ids."""

from __future__ import annotations

from uuid import UUID

from storage.model.ids import new_id


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_id()
    assert UUID(made).version == 7
    assert str(UUID(made)) == made


def test_ids_sort_in_the_order_they_were_made() -> None:
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
