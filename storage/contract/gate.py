"""Storage's part of the gate: who may not be contacted, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from storage.model.audiences import SkipReason
from storage.model.gate import GateRule

Contact = tuple[str, str]
"""A person's id and an address, in normal form."""


class Gate(Protocol):
    """Suppressions, consents and preferences as one rule. Audiences are listed and counted by the
    same (`People.list_matching`).

    * An address that is suppressed is `suppressed`; if it is an unsubscribe, only for what is not
      transactional.
    * Unless the category is transactional, a person who said no, or with `opt_in` has not said yes,
      is `no_consent`, and one who has switched the category off is `preference_off`.
    * The first of these that applies is the reason.
    """

    async def may_block(self, rule: GateRule) -> bool:
        """Whether there is anything that could hold somebody back: a cheap look before many
        people."""
        ...

    async def find_blocks(
        self, rule: GateRule, contacts: Iterable[Contact]
    ) -> dict[Contact, SkipReason]:
        """Those of the contacts that are held back, and why. Any number of them."""
        ...
