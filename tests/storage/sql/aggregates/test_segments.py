"""Segments: found, listed, and archived."""

from __future__ import annotations

from dataclasses import replace

from storage.model.segments import Segment, SegmentStatus
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW, SECOND
from tests.support.storage.scene import Scene


async def insert(scene: Scene, *segments: Segment) -> None:
    for segment in segments:
        await scene.storage.write(lambda tx, segment=segment: tx.segments.insert(segment))  # type: ignore[misc]


async def test_segments_are_found_and_listed_newest_first(scene: Scene) -> None:
    first, second = made.segment(predicate={"==": [{"var": "a"}, 1]}), made.segment()
    await insert(scene, first, second, made.segment(brand_id="other"))
    assert await scene.storage.read(lambda tx: tx.segments.find(first.id)) == first
    assert await scene.storage.write(lambda tx: tx.segments.find(first.id, lock=True)) == first
    assert await scene.storage.read(lambda tx: tx.segments.find("nobody")) is None
    for after, found in ((None, [second, first]), (second.id, [first])):
        assert (
            await scene.storage.read(
                lambda tx, after=after: tx.segments.list_page(BRAND, None, after, 10)  # type: ignore[misc]
            )
            == found
        )


async def test_a_segment_is_archived_once(scene: Scene) -> None:
    segment, other = made.segment(description="Gold"), made.segment()
    await insert(scene, segment, other)
    later = NOW + SECOND
    assert await scene.storage.write(lambda tx: tx.segments.archive(segment.id, later))
    assert not await scene.storage.write(lambda tx: tx.segments.archive(segment.id, later + SECOND))
    assert not await scene.storage.write(lambda tx: tx.segments.archive("nobody", later))
    archived = replace(segment, status=SegmentStatus.ARCHIVED, updated_at=later)
    for status, found in (
        (SegmentStatus.ARCHIVED, [archived]),
        (SegmentStatus.ACTIVE, [other]),
        (None, [other, archived]),
    ):
        assert (
            await scene.storage.read(
                lambda tx, status=status: tx.segments.list_page(BRAND, status, None, 10)  # type: ignore[misc]
            )
            == found
        )
