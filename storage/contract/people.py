"""Storage of people and audiences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from storage.model.audiences import AudienceCount, AudienceMember
from storage.model.criteria import Criteria
from storage.model.gate import GateRule
from storage.model.people import Person


class People(Protocol):
    """People, keyed by (brand_id, person_id)."""

    async def put(self, person: Person) -> Person:
        """Inserts, or replaces all but `created_at`. Returns what is stored."""
        ...

    async def put_many(self, people: Sequence[Person]) -> None:
        """Puts each, as `put` does. Nobody may be among them twice."""
        ...

    async def find(self, brand_id: str, person_id: str) -> Person | None:
        """The person, or None."""
        ...

    async def find_many(self, brand_id: str, person_ids: Sequence[str]) -> dict[str, Person]:
        """Those of the people that exist, by id. Any number of ids."""
        ...

    async def find_patients(self, brand_id: str, patient_id: str) -> list[str]:
        """Ids of those whose attribute `patient_id` this is, as text; of two at most, lowest
        first."""
        ...

    async def delete(self, brand_id: str, person_id: str) -> bool:
        """Whether there was one to delete."""
        ...

    async def list_matching(
        self,
        rule: GateRule,
        criteria: Criteria,
        as_of: datetime,
        after: str | None,
        limit: int,
        *,
        reached_by: str | None = None,
    ) -> list[AudienceMember]:
        """People of the rule's brand created at or before `as_of` who match `criteria`, by
        person_id ascending (by code point on both databases).

        Relative dates of the criteria count from `as_of`, so that every batch of an audience means
        the same people, however long it takes.

        The address on `email` and `sms` is `email` and `phone`, on `push` the first push token, on
        `in_app` the person's id; an empty one counts as none, and skips the person as `no_address`.
        One whom `Gate` holds back by the rule is skipped for its reason. With `reached_by`, a send
        that does not allow shared addresses, one whose address the send was given a pending row
        for, whatever became of it, is skipped as `duplicate`. Whom criteria match,
        `tests/support/criteria_reference.py` says to the last character; no person's data can make
        the statement fail.
        """
        ...

    async def count_matching(
        self, rule: GateRule, criteria: Criteria, as_of: datetime
    ) -> list[AudienceCount]:
        """The people that `list_matching` lists, counted by their `skip_reason`, and their
        addresses, one that several have being one; reasons of nobody are left out."""
        ...
