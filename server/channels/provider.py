"""The protocol of a channel provider: it takes one finished message and says, in one of three ways,
what became of it."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from server.domain.delivery.retry import ErrorClass
from server.domain.validation import has_control_characters
from storage.model.brands import TRANSACTIONAL
from storage.model.values import JsonObject, made_often

OWN_SHARE = 0.95
"""The part of its `timeout` after which a provider gives a call up by itself: it knows then whether
the message may have left, which its caller, giving up a moment later, would not."""
_MESSAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Outcome(enum.StrEnum):
    """What became of a delivery."""

    ACCEPTED = "accepted"
    """The provider has taken responsibility for the message."""
    REJECTED = "rejected"
    """The message was provably not sent."""
    AMBIGUOUS = "ambiguous"
    """The message left, or may have left, and no answer came."""


@made_often
class Envelope:
    """One message, rendered and addressed. Raises ValueError if the id could not be a file name or
    part of a Message-ID, or the address a line of a protocol."""

    message_id: str
    brand_id: str
    person_id: str
    channel: str
    address: str
    """A mailbox, an E.164 number or a push token, as the channel needs: in normal form
    (`server/domain/contacts/addresses.py`), and put on the wire so."""
    subject: str | None
    body: str
    html: str | None
    created_at: datetime
    """The instant, with its zone, at which the message was made ready to leave: the Date of an
    email."""

    unsubscribe_url: str | None = None
    """Where a POST suppresses the address (RFC 8058). It comes from the service's own settings and
    is safe in a header."""
    category: str = TRANSACTIONAL
    """What it is for."""
    action_url: str | None = None
    """Where a notification leads."""
    metadata: JsonObject = field(default_factory=dict)
    """What else the client of who gets a notification is to know."""

    def __post_init__(self) -> None:
        if not _MESSAGE_ID.fullmatch(self.message_id):
            raise ValueError(
                "a message id is 1 to 128 of A-Z a-z 0-9 . _ - and starts with a letter or digit"
            )
        if has_control_characters(self.address):
            raise ValueError("an address has no line breaks or control characters")
        if self.created_at.tzinfo is None:
            raise ValueError("created_at has no time zone")


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one call went. Raises ValueError for an outcome and a class that do not belong
    together."""

    outcome: Outcome
    reason: str | None = None
    """Stable snake_case code; never the provider's own text, which may name the person."""
    error_class: ErrorClass | None = None
    """Why, where the same message may be taken later. None: accepted, or rejected for good.
    AMBIGUOUS is always of the class AMBIGUOUS."""
    provider_message_id: str | None = None
    retry_after: float | None = None
    """Seconds to wait before trying again, where the provider says so."""
    speaks_for_provider: bool = True
    """Whether it says anything about the provider as a whole. One that does not, since it is of
    somebody the message named, leaves the circuit as it is."""

    def __post_init__(self) -> None:
        if self.outcome is Outcome.AMBIGUOUS:
            object.__setattr__(self, "error_class", ErrorClass.AMBIGUOUS)
        elif self.error_class is ErrorClass.AMBIGUOUS or (
            self.outcome is Outcome.ACCEPTED and self.error_class is not None
        ):
            raise ValueError(f"{self.outcome} cannot be of the class {self.error_class}")


class Provider(Protocol):
    """A way out for one channel."""

    name: str
    """Of this way out alone: attempts are recorded, and rates, circuits and key windows kept, under
    it."""
    max_concurrency: int
    """Calls of `deliver` it works on at once; more of them wait."""
    timeout: float
    """Seconds within which every call of `deliver` answers."""
    key_window: timedelta
    """How long the provider remembers a message id as its idempotency key, answering a repeat with
    the first answer and delivering nothing twice; from the first call on. Zero: it knows no keys. A
    repeat that was rejected for itself takes no doubt from the first call."""

    async def start(self) -> None:
        """Makes ready. Raises OSError when it never can be, such as a directory that cannot be
        made."""

    async def deliver(self, envelope: Envelope) -> Delivery:
        """Tries once. Never raises for a fault of the provider, the network or the message: each is
        an outcome. Being cancelled leaves the outcome unknown to the caller."""

    async def close(self) -> None:
        """Lets go of connections and files. `deliver` must not be called after."""
