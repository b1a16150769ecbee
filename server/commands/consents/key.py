"""Says what a consent or a preference is about."""

from __future__ import annotations

from dataclasses import dataclass, replace

from server.domain.access import Caller
from server.domain.contacts.addresses import check_person_id
from server.domain.validation import Checks


@dataclass(frozen=True, slots=True)
class ContactKey:
    """A person in a brand, and a category of messages on a channel."""

    brand_id: str
    person_id: str
    channel: str
    category: str

    def checked(self, caller: Caller) -> ContactKey:
        """The same with the person's id in normal form. Raises ValidationFailed for one that nobody
        has, NotFound for a brand of others."""
        checks = Checks()
        person_id = check_person_id(checks, "person_id", self.person_id)
        checks.finish()
        caller.principal.require_brand(self.brand_id)
        return replace(self, person_id=person_id)
