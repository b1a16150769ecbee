"""What brands define: campaigns, templates, people, segments, suppressions; and the answers kept for idempotency keys.

Lists are keyset pages: rows strictly after `after` in the list's order, at most `limit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from server.domain.criteria import Criteria
from server.domain.lifecycle import CampaignStatus
from server.domain.suppression import SuppressionReason
from storage.records import (
    AudienceCount,
    AudienceMember,
    Campaign,
    IdempotencyRecord,
    Person,
    Segment,
    Suppression,
    Template,
)


class Campaigns(Protocol):
    """Campaigns of both faces. Writing one fires the CAMPAIGNS signal if it is scheduled."""

    async def insert(self, campaign: Campaign) -> None:
        """Adds a campaign with a new id."""
        ...

    async def find(self, campaign_id: str, *, lock: bool = False) -> Campaign | None:
        """The campaign, or None. With `lock`, in a write transaction, no other transaction changes it until this one ends."""
        ...

    async def replace(self, campaign: Campaign) -> None:
        """Writes every field of a campaign that was found with `lock`."""
        ...

    async def delete(self, campaign_id: str) -> None:
        """Deletes a campaign that was found with `lock` and has no send."""
        ...

    async def list_page(self, brand_id: str, face: str, status: CampaignStatus | None, after: str | None, limit: int) -> list[Campaign]:
        """Campaigns of a brand and face, by id descending (newest first)."""
        ...

    async def list_due(self, now: datetime, limit: int) -> list[str]:
        """Ids of scheduled campaigns with `scheduled_at <= now`, earliest first."""
        ...

    async def next_due(self) -> datetime | None:
        """The earliest `scheduled_at` of a scheduled campaign."""
        ...


class Templates(Protocol):
    """Immutable revisions."""

    async def append(self, template: Template) -> Template:
        """Adds a revision and returns it with its number: one more than the highest so far of (brand, channel, key). `revision` of the
        argument is not read. Two at once get two numbers."""
        ...

    async def find(self, brand_id: str, channel: str, template_key: str, revision: int | None = None) -> Template | None:
        """The revision, or the latest; None if there is none."""
        ...

    async def list_revisions(self, brand_id: str, channel: str, template_key: str, after: int | None, limit: int) -> list[Template]:
        """Revisions, highest first."""
        ...


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

    async def delete(self, brand_id: str, person_id: str) -> bool:
        """Whether there was one to delete."""
        ...

    async def list_matching(
        self,
        brand_id: str,
        criteria: Criteria,
        channel: str,
        as_of: datetime,
        after: str | None,
        limit: int,
        *,
        reached_by: str | None = None,
    ) -> list[AudienceMember]:
        """People created at or before `as_of` who match `criteria`, by person_id ascending (by code point on both databases).

        Relative dates of the criteria count from `as_of`, so that every batch of an audience means the same people, however long it takes.

        The address on `email` and `sms` is `email` and `phone`, on `push` the first push token, on `in_app` the person's id; an empty one
        counts as none, and skips the person as `no_address`. One whose address is suppressed, for any reason that holds back marketing, is
        skipped as `suppressed`. With `reached_by`, a send that does not allow shared addresses, one whose address the send was given a
        pending row for, whatever became of it, is skipped as `duplicate`. Whom criteria match is said by
        `server.domain.criteria.matches_person`, to the last character; no person's data can make the statement fail.
        """
        ...

    async def count_matching(self, brand_id: str, criteria: Criteria, channel: str, as_of: datetime) -> list[AudienceCount]:
        """The people that `list_matching` lists, counted by their `skip_reason`, and their addresses, one that several have being one;
        reasons of nobody are left out."""
        ...


class Suppressions(Protocol):
    """Addresses that must not be contacted, keyed by (brand_id, channel, address); addresses are normalised."""

    async def put_many(self, suppressions: Sequence[Suppression]) -> None:
        """Adds each; where the address is suppressed already, a stronger reason replaces a weaker one and its source, and nothing else
        changes. The same address may be among them more than once."""
        ...

    async def find(self, suppression_id: str) -> Suppression | None:
        """The suppression, or None."""
        ...

    async def find_address(self, brand_id: str, channel: str, address: str) -> Suppression | None:
        """The suppression of an address, or None."""
        ...

    async def any_on(self, brand_id: str, channel: str) -> bool:
        """Whether the brand has suppressed any address on the channel."""
        ...

    async def find_reasons(self, brand_id: str, channel: str, addresses: Iterable[str]) -> dict[str, SuppressionReason]:
        """Those of the addresses that are suppressed, and why. Any number of addresses."""
        ...

    async def list_page(
        self, brand_id: str, channel: str | None, reason: SuppressionReason | None, after: str | None, limit: int
    ) -> list[Suppression]:
        """Suppressions of a brand, by id descending (newest first)."""
        ...

    async def delete(self, suppression_id: str) -> None:
        """Deletes it, if it is there."""
        ...


class Segments(Protocol):
    """Named audiences."""

    async def insert(self, segment: Segment) -> None:
        """Adds a segment with a new id."""
        ...

    async def find(self, segment_id: str) -> Segment | None:
        """The segment, or None."""
        ...

    async def list_page(self, brand_id: str, after: str | None, limit: int) -> list[Segment]:
        """Segments of a brand, by id descending (newest first)."""
        ...


class Idempotency(Protocol):
    """Answers kept for idempotency keys."""

    async def find(self, scope: str, key: str) -> IdempotencyRecord | None:
        """The record, or None."""
        ...

    async def insert(self, record: IdempotencyRecord) -> None:
        """Adds a record. A concurrent insert of the same (scope, key) raises WriteConflict in one of the two, which then runs again and
        finds it."""
        ...

    async def prune(self, before: datetime, limit: int) -> int:
        """Deletes up to `limit` records made before an instant. Returns how many."""
        ...
