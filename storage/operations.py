"""What operators decide, and what the replicas of a service share: policies, the audit log, rate limits, and the hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from server.domain.audit_actions import SERVICE, AuditAction
from server.domain.ids import new_id
from server.domain.policies import MisfirePolicy, UnknownPolicy
from storage.records import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A tenant; never deleted."""

    id: str
    name: str
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandPolicy:
    """How a brand's messages are treated where no single answer is right for everybody."""

    brand_id: str
    unknown_policy: UnknownPolicy = UnknownPolicy.PARK
    misfire_policy: MisfirePolicy = MisfirePolicy.SEND_NOW
    misfire_seconds: int = 0
    rate_limits: JsonObject = field(default_factory=dict)
    """By channel: `{"per_second": 5.0, "burst": 5}`."""
    updated_at: datetime | None = None
    """None for the defaults, which are stored nowhere."""
    updated_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who decided what, and when. Never changed once written."""

    id: str
    brand_id: str
    """INSTALLATION for what concerns no brand alone."""
    actor: str
    action: str
    subject_id: str
    details: JsonObject
    created_at: datetime
    request_id: str | None = None
    """Of the call that did it, if it had one."""

    @classmethod
    def own(cls, brand_id: str, action: AuditAction, subject_id: str, details: JsonObject, now: datetime) -> AuditEntry:
        """The entry of what a policy decided, or the service did by itself. Nothing personal belongs in `details`."""
        return cls(id=new_id(), brand_id=brand_id, actor=SERVICE, action=action, subject_id=subject_id, details=details, created_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How many provider calls may begin, all replicas together."""

    key: str
    """What is limited; names the row that the replicas share."""
    per_second: float
    burst: int
    """Calls that may begin at once after a quiet time; at least 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Whether delivery is held because the database was put back to an earlier state."""

    held_at: datetime | None = None
    """None: not held."""
    reason: str | None = None
    released_at: datetime | None = None
    released_by: str | None = None


class Brands(Protocol):
    """Brands and their policies."""

    async def insert(self, brand: Brand) -> bool:
        """Adds a brand, unless there is one with its id. Whether it was added."""
        ...

    async def find(self, brand_id: str) -> Brand | None:
        """The brand, or None."""
        ...

    async def rename(self, brand_id: str, name: str, now: datetime) -> Brand | None:
        """Gives the brand another name. Returns it as it is then, or None if there is none."""
        ...

    async def list_page(self, prefix: str, after: str | None, limit: int) -> list[Brand]:
        """Brands whose id begins with `prefix`, by id ascending."""
        ...

    async def find_existing(self, brand_ids: Iterable[str]) -> set[str]:
        """Those of the ids that are of a brand."""
        ...

    async def find_policy(self, brand_id: str) -> BrandPolicy | None:
        """The policy, or None if it was never set."""
        ...

    async def find_policies(self, brand_ids: Iterable[str]) -> dict[str, BrandPolicy]:
        """Those that were set, by brand."""
        ...

    async def put_policy(self, policy: BrandPolicy) -> None:
        """Inserts or replaces the policy."""
        ...


class Audit(Protocol):
    """The log of decisions. Only ever added to."""

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Adds entries with new ids."""
        ...

    async def list_page(self, brand_id: str, subject_id: str | None, after: str | None, limit: int) -> list[AuditEntry]:
        """Entries of a brand, by id descending (newest first)."""
        ...


class Rates(Protocol):
    """Rate limits that survive restarts and are shared by all replicas (GCRA: the generic cell rate algorithm, ITU-T I.371)."""

    async def take(self, limit: RateLimit, wanted: int, now: datetime) -> int:
        """Takes up to `wanted` calls from a limit. Returns how many were granted: only those may be made."""
        ...

    async def give_back(self, limit: RateLimit, count: int, now: datetime) -> None:
        """Gives back calls that were granted in this transaction, at the same `now`, and will not be made."""
        ...

    async def next_free(self, limit: RateLimit, now: datetime) -> datetime:
        """When a call will be granted again: `now` if at once."""
        ...


class Dispatchers(Protocol):
    """What each dispatcher and the database both know, so that a database from the past is noticed.

    A dispatcher has an id and a generation, kept in a file of its own and here. The generation grows in the transaction that marks
    messages; the file follows before the first provider is called. A database whose generation is behind the file's is older than
    messages that went out.
    """

    async def find_hold(self) -> Hold:
        """Whether delivery is held. While it is, `Messages.list_queues` gives nothing, and `advance` refuses."""
        ...

    async def hold(self, reason: str, now: datetime) -> None:
        """Holds delivery, unless it is held already."""
        ...

    async def release(self, released_by: str, now: datetime) -> None:
        """Ends the hold, and forgets the generations of all dispatchers: each starts anew from what its file says."""
        ...

    async def find_generation(self, dispatcher_id: str) -> int | None:
        """The generation of the dispatcher, or None if it never called a provider (or not since a release)."""
        ...

    async def exist(self) -> bool:
        """Whether any dispatcher ever called a provider, since the last release."""
        ...

    async def advance(self, dispatcher_id: str, known: int, next_generation: int) -> bool:
        """Sets the generation, if it is at least `known` (0: there may be none) and below `next_generation`, and delivery is not held.
        Otherwise returns False: the caller must not call a provider."""
        ...

    async def adopt(self, dispatcher_id: str, generation: int) -> None:
        """Sets the generation, whatever it was."""
        ...
