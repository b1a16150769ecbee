"""A safeguard of delivery, and how to take it out of the code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """One safeguard removed."""

    name: str
    where: str
    """The function, method (`Class.method`), class or constant that it stands in, or the path of a
    file that is not Python."""
    original: str
    """Code that is there exactly once, however it is laid out."""
    mutated: str
    tests: tuple[str, ...]
    """Names of tests, with parameters if one of them is enough; at least one of them must fail."""
