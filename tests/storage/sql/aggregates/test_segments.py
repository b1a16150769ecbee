"""Segments: found, and listed."""

from __future__ import annotations

from tests.support.storage import made
from tests.support.storage.made import BRAND
from tests.support.storage.scene import Scene


async def test_segments_are_found_and_listed_newest_first(scene: Scene) -> None:
    first, second = made.segment(criteria={"==": [{"var": "a"}, 1]}), made.segment()
    for segment in (first, second, made.segment(brand_id="other")):
        await scene.storage.write(lambda tx, segment=segment: tx.segments.insert(segment))  # type: ignore[misc]
    assert await scene.storage.read(lambda tx: tx.segments.find(first.id)) == first
    assert await scene.storage.read(lambda tx: tx.segments.find("nobody")) is None
    assert await scene.storage.read(lambda tx: tx.segments.list_page(BRAND, None, 10)) == [
        second,
        first,
    ]
    assert await scene.storage.read(lambda tx: tx.segments.list_page(BRAND, second.id, 10)) == [
        first
    ]
