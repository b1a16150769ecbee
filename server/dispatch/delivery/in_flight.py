"""A message in flight: what each step of its path, from claim to settlement, hands to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from server.channels.provider import Envelope
from server.domain.delivery.circuit_breaker import Admission
from storage.model.brands import BrandPolicy
from storage.model.messages import Message


@dataclass(eq=False, slots=True)
class InFlight:
    """A message that a worker holds under a lease, and what is known of it so far: each step fills
    in what the next ones need."""

    message: Message
    """As it was claimed."""
    policy: BrandPolicy
    """Of its brand."""
    envelope: Envelope = field(init=False, repr=False)
    """What its provider gets; once it is rendered."""
    started_at: datetime = field(init=False, repr=False)
    """The instant before its mark, from which on its provider may be called."""
    started_steady: float = field(init=False, repr=False)
    """The same by a clock that nobody sets, in seconds."""
    admission: Admission = field(init=False, repr=False)
    """Its call in the eyes of the circuit breaker."""
