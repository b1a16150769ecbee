"""The safeguards of delivery, each with a way to take it out of the code and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """One safeguard removed."""

    name: str
    file: str
    original: str
    """Text that is in the file exactly once."""
    mutated: str
    tests: tuple[str, ...]
    """What pytest is to run; at least one of these tests must fail."""
