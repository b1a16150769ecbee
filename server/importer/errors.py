"""The ways an import can fail, and the service refuse a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ImportStopped(Exception):
    """The import cannot go on; the text is for the operator."""


class Unreachable(Exception):
    """The service did not answer, or cannot now. Trying again is safe: to put a person twice is to
    put them once."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the service holds against one person of a batch."""

    index: int
    """Their place in the batch."""
    field: str
    message: str


class BatchRefused(Exception):
    """The service put nobody of the batch because of some of them; these are named, though perhaps
    not all."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(f"{len(refusals)} refused")
        self.refusals = tuple(refusals)


class BatchTooLarge(Exception):
    """The batch has more bytes than the service takes in one call."""
