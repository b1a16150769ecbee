"""Liquid, criteria, tokens, links, webhooks and files of people: 160,000 hostile ones."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.hostile.memory import resident_mib
from tests.support.hostile.readers import READERS, read_hostile_documents

DOCUMENTS = 20_000
"""For each reader."""
MOST_MIB = 64


def test_hostile_documents(
    size: Callable[[int], int], seed: int, figure: Callable[[str], None]
) -> None:
    before = resident_mib()
    outcomes = read_hostile_documents(size(DOCUMENTS), seed)
    grown = resident_mib() - before
    figure(f"{outcomes.total():,} documents, {dict(sorted(outcomes.items()))}, +{grown} MiB")
    assert outcomes.total() == size(DOCUMENTS) * len(READERS)
    assert grown < MOST_MIB
