"""Finds the rule that a message is judged by, and those whom it holds back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from server.commands.operations.brand_policy import policy_of
from server.domain.contacts.addresses import Recipient
from server.domain.contacts.category import category_of
from storage.contract.storage import Transaction
from storage.model.audiences import SkipReason
from storage.model.gate import GateRule
from storage.model.messages import Purpose


async def rule_of(tx: Transaction, brand_id: str, channel: str, category: str) -> GateRule:
    """The rule of a category on a channel, by the brand's policy of now."""
    return GateRule.of(await policy_of(tx, brand_id), channel, category)


async def campaign_rule(
    tx: Transaction, brand_id: str, channel: str, template_key: str | None = None
) -> GateRule:
    """The rule of what a campaign of the brand sends on a channel with the template; with None, of
    what those send whose template has no category."""
    template = template_key and await tx.templates.find_by_key(brand_id, channel, template_key)
    category = category_of(Purpose.MARKETING, template.category if template else None)
    return await rule_of(tx, brand_id, channel, category)


async def held_back(
    tx: Transaction, rule: GateRule, recipients: Sequence[Recipient]
) -> Mapping[Recipient, SkipReason]:
    """Those of the recipients, in normal form, that must not be contacted, and why."""
    if not await tx.gate.may_block(rule):
        return {}
    return await tx.gate.find_blocks(rule, recipients)
