"""Ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from storage.model.ids import first_id_at, new_id


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_id()
    assert UUID(made).version == 7
    assert str(UUID(made)) == made


def test_ids_sort_in_the_order_they_were_made() -> None:
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_the_first_id_of_an_instant_is_between_those_made_before_and_after() -> None:
    now = datetime.now(UTC)
    second = timedelta(seconds=1)
    made = new_id()
    assert first_id_at(now - second) < made < first_id_at(now + second)
    first = UUID(first_id_at(now))
    assert (first.version, first.int >> 80) == (7, int(now.timestamp() * 1000))
    assert first_id_at(datetime(1969, 1, 1, tzinfo=UTC)) < first_id_at(now)
