"""A figure of the benchmark: ours beside its floor or peer, repeat by repeat, and the target."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached, by the median over the repeats."""

    bound: float
    at_least: bool
    excuse: str = ""
    """Why this machine cannot be held to it; empty: it can."""

    def reached(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:,.6g}"


def at_least(bound: float, excuse: str = "") -> Target:
    """More is better."""
    return Target(bound, at_least=True, excuse=excuse)


def at_most(bound: float) -> Target:
    """Less is better."""
    return Target(bound, at_least=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table."""

    what: str
    unit: str
    ours: Sequence[float] = ()
    """One value a repeat. Empty: not measured."""
    beside: str = ""
    """The floor or peer. Empty: there is none, and the target is for the figure itself."""
    theirs: Sequence[float] = ()
    target: Target | None = None
    not_measured: str = ""
    """Why there are no values of ours, or of the peer."""
    notes: Sequence[str] = field(default=())
    """What else was seen in the run."""

    @property
    def values(self) -> list[float]:
        """What is compared with the target, sorted: ratios of pairs taken one after the other, or
        the figures themselves."""
        if not self.beside:
            return sorted(self.ours)
        return sorted(ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True))

    @property
    def result(self) -> str:
        """`reached`, `missed`, or why neither."""
        if self.not_measured:
            return f"not measured: {self.not_measured}"
        if self.target is None:
            return "–"
        if self.target.reached(statistics.median(self.values)):
            return "reached"
        return f"missed ({self.target.excuse})" if self.target.excuse else "missed"

    def cells(self) -> list[str]:
        """The columns of the table."""
        unit = f" {self.unit}"
        if self.not_measured:
            ours = _number(statistics.median(self.ours)) + unit if self.ours else ""
            return [self.what, ours, self.beside, "", str(self.target or ""), self.result]
        theirs = (
            f"{self.beside}: {_number(statistics.median(self.theirs))}{unit}"
            if self.theirs
            else self.beside
        )
        values = self.values
        spread = " / ".join(
            _number(value) for value in (values[0], statistics.median(values), values[-1])
        )
        return [
            self.what,
            _number(statistics.median(self.ours)) + unit,
            theirs,
            spread,
            str(self.target or ""),
            self.result,
        ]


COLUMNS = ("what", "median", "floor or peer", "min / median / max", "target", "")


def _number(value: float) -> str:
    """Three significant digits, and never an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that so large a share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
