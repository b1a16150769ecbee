"""How a provider behaves: what it does with each delivery, picked by the shares it was told."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any


class Deed(enum.StrEnum):
    """What comes after the last byte of a delivery."""

    ANSWER = "answer"
    """It is taken, and said so."""
    REFUSE = "refuse"
    """It is not taken, and said so, with `reply`."""
    RESET = "reset"
    """The connection is reset without a word."""
    HANG = "hang"
    """No answer, ever; the connection stays open."""
    HOLD = "hold"
    """No answer until the provider is told to release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a share of the deliveries."""

    share: float
    deed: Deed
    taken: bool = True
    """Whether the delivery is taken all the same; never for REFUSE."""
    reply: str = ""
    """For REFUSE: an SMTP reply line, or an HTTP status."""

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Fault:
        return cls(**document | {"deed": Deed(document["deed"])})


ANSWER = Fault(share=1.0, deed=Deed.ANSWER)


@dataclass(slots=True)
class Behaviour:
    """What the provider does now."""

    random: Random
    faults: Sequence[Fault] = ()
    delay: float = 0.0
    """Seconds before every answer: the provider's own work."""
    known: set[str] = field(default_factory=set)
    """Idempotency keys seen, where the provider keeps them."""
    keeps_keys: bool = False

    def next(self) -> Fault:
        """What happens to the delivery that has just come in."""
        pick = self.random.random()
        for fault in self.faults:
            pick -= fault.share
            if pick < 0:
                return fault
        return ANSWER
