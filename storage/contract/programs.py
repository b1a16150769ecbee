"""Storage of sequences, the steps of programs, and enrollments."""

from __future__ import annotations

from collections.abc import Sequence as Many
from datetime import datetime
from typing import Protocol

from storage.model.programs import Enrollment, EnrollmentFilter, Sequence, Step


class Sequences(Protocol):
    """Sequences with their steps. They never change."""

    async def insert(self, sequence: Sequence) -> None:
        """Adds a sequence with a new id."""
        ...

    async def find(self, sequence_id: str) -> Sequence | None:
        """The sequence, or None."""
        ...

    async def list_page(self, brand_id: str, after: str | None, limit: int) -> list[Sequence]:
        """Sequences of a brand, by id descending (newest first)."""
        ...


class Steps(Protocol):
    """Steps of programs. Those of a campaign change under the lock of the campaign."""

    async def insert(self, program_id: str, step: Step) -> None:
        """Adds a step with a new id, at a position that no other of the program has."""
        ...

    async def list_of(self, program_id: str) -> tuple[Step, ...]:
        """The steps of a program, by position."""
        ...

    async def replace(self, step: Step) -> None:
        """Writes every field of a step."""
        ...

    async def delete(self, step_id: str) -> None:
        """Deletes a step."""
        ...


class Enrollments(Protocol):
    """People in programs.

    Only the next message of an enrollment exists as a row. Whatever ends it plans the message of
    the step after it in the same transaction (`Messages.settle`, `expire`, `recover`,
    `resolve_unknown`, `cancel`): due the step's `delay_minutes` later, each step once. With the
    last step the enrollment is completed. A message that is skipped for one of STOPPING_REASONS
    stops it instead, and one that ends after its send was cancelled cancels it. Of one that is over
    no message is claimed, tried again or resent.

    Those of a send are counted in its `recipients`, in the same transactions.
    """

    async def insert(self, enrollment: Enrollment) -> bool:
        """Adds an active enrollment with a new id, and the message of its current step, due at
        `next_step_at`. False, and nothing is added, if the person is active in the program at this
        address already."""
        ...

    async def insert_many(self, enrollments: Many[Enrollment]) -> None:
        """Adds active enrollments of sends, with new ids and outcome PENDING, and counts them. The
        messages of their current steps are added with `Messages.insert_many`."""
        ...

    async def find(self, enrollment_id: str) -> Enrollment | None:
        """The enrollment, or None."""
        ...

    async def find_active(
        self, program_id: str, person_id: str, recipient: str
    ) -> Enrollment | None:
        """The active enrollment of a person in a program at an address, or None."""
        ...

    async def list_page(
        self, brand_id: str, where: EnrollmentFilter, after: str | None, limit: int
    ) -> list[Enrollment]:
        """Enrollments of a brand in sequences, by id descending (newest first)."""
        ...

    async def cancel(self, enrollment_id: str, now: datetime) -> bool:
        """Cancels the enrollment if it is active. Whether it did.

        Its messages that are pending or leased become cancelled, or unknown if they are in doubt.
        One marked sending stays; it is not tried again.
        """
        ...

    async def stop_person(self, brand_id: str, person_id: str, reason: str, now: datetime) -> int:
        """Stops the active enrollments of a person as `cancel` cancels one. Returns how many."""
        ...

    async def is_in_flight(self, enrollment_id: str) -> bool:
        """Whether a message of it is with its provider."""
        ...

    async def prune(self, before: datetime, limit: int) -> int:
        """Deletes up to `limit` enrollments that were over before `before`, and waits for no other
        transaction: what is locked is left. Returns how many."""
        ...
