"""A safeguard of delivery, and how to take it out of the code."""

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


def of(directory: str, *tests: str) -> tuple[str, ...]:
    """Tests by file and name, `file.py::name`, of a directory of tests."""
    return tuple(f"tests/{directory}/{test}" for test in tests)
