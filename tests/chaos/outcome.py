"""What a scenario comes to: a line of the table in docs/reliability.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from tests.chaos.books import Doubt
from tests.chaos.ledger import Entry
from tests.chaos.reckoning import Reckoning


@dataclass
class Outcome:
    """A scenario that has ended."""

    reckoning: Reckoning
    kills: int = 0
    """Times something was killed, stopped, filled or broken."""
    most_unknown: int = 0
    """How many messages may be in doubt: what was with the providers at the kills."""
    most_duplicated: int = 0
    """How many may be taken twice: none, unless the brand has chosen that what is in doubt is sent
    again."""
    recoveries: list[float] = field(default_factory=list)
    """Seconds from each kill to when work went on."""
    notes: list[str] = field(default_factory=list)
    """Further promises that were broken."""

    @property
    def faults(self) -> list[str]:
        """Promises that were broken; none must be."""
        limits = dict.fromkeys(self.reckoning.faults, 0) | {
            "unknown": self.most_unknown,
            "duplicated": self.most_duplicated,
        }
        over = {
            name: found
            for name, most in limits.items()
            if len(found := getattr(self.reckoning, name)) > most
        }
        return [
            *(
                f"{name}: {len(ids)} of at most {limits[name]}, such as {ids[:3]}"
                for name, ids in over.items()
            ),
            *self.notes,
        ]

    def to_json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Outcome:
        """What `to_json` wrote."""
        document = json.loads(text)
        reckoning = document.pop("reckoning")
        doubts = [Doubt(**doubt) for doubt in reckoning.pop("doubts")]
        return cls(Reckoning(**reckoning, doubts=doubts), **document)


STRAGGLING = 0.05
"""Seconds for which what a killed process had written may still arrive."""


def gaps(instants: Sequence[float], entries: Sequence[Entry]) -> list[float]:
    """Seconds from each kill to the first delivery that began after it; nothing for one that none
    came after."""
    entries = sorted(entries, key=lambda entry: entry.begun)
    firsts = (
        next((entry.at - instant for entry in entries if entry.begun > instant + STRAGGLING), None)
        for instant in instants
    )
    return [first for first in firsts if first is not None]
