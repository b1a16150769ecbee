"""Documents that strangers write are taken or refused, and break nothing; by the thousand in
tests/attack."""

from __future__ import annotations

from tests.support.hostile.readers import READERS, read_hostile_documents

DOCUMENTS = 40


def test_every_reader_takes_or_refuses_what_it_is_given() -> None:
    outcomes = read_hostile_documents(DOCUMENTS, seed=1)
    assert outcomes.total() == DOCUMENTS * len(READERS)
    for name in ("webhooks", "tokens"):
        assert outcomes[f"{name} taken"] <= DOCUMENTS // 10, name
