"""Asks the gate whether a new message may go to its person and address."""

from __future__ import annotations

from server.commands.gate.rules import rule_of
from server.domain.contacts.category import category_of
from server.domain.errors import NoConsent, PreferenceOff, Suppressed
from storage.contract.gate import Contact
from storage.contract.storage import Transaction
from storage.model.audiences import SkipReason
from storage.model.gate import GateRule
from storage.model.messages import Purpose


async def one_off_rule(tx: Transaction, brand_id: str, channel: str, template_key: str) -> GateRule:
    """The rule of a one-off of the template."""
    template = await tx.templates.find_by_key(brand_id, channel, template_key)
    category = category_of(Purpose.TRANSACTIONAL, template.category if template else None)
    return await rule_of(tx, brand_id, channel, category)


async def require_contactable(
    tx: Transaction, brand_id: str, channel: str, template_key: str, contact: Contact
) -> None:
    """Raises Suppressed, NoConsent or PreferenceOff if a one-off of the template to the contact, in
    normal form, must not go out."""
    rule = await one_off_rule(tx, brand_id, channel, template_key)
    match (await tx.gate.find_blocks(rule, [contact])).get(contact):
        case None:
            return
        case SkipReason.NO_CONSENT:
            raise NoConsent
        case SkipReason.PREFERENCE_OFF:
            raise PreferenceOff
        case _:
            found = await tx.suppressions.find_address(brand_id, channel, contact[1])
            raise Suppressed(found.reason if found else None)
