"""Explains whether a message would reach a person now, rule by rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from server.commands.consents.key import ContactKey
from server.commands.consents.queries import find_consent
from server.commands.gate.rules import rule_of
from server.domain.access import Caller
from server.domain.contacts.addresses import check_address, check_person_id
from server.domain.contacts.category import MARKETING
from server.domain.contacts.own_address import own_address
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audiences import SkipReason
from storage.model.channels import Channel
from storage.model.gate import GateRule
from storage.model.suppressions import SuppressionReason


class RuleName(StrEnum):
    """The rules, in the order in which they are asked."""

    ADDRESS = "address"
    SUPPRESSION = "suppression"
    CONSENT = "consent"
    PREFERENCE = "preference"


@dataclass(frozen=True, slots=True)
class JudgedRule:
    """What one rule says."""

    rule: RuleName
    passes: bool
    because: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a message would go out, and what each rule says of it."""

    recipient: str | None
    reason: SkipReason | None
    """Why it would not; None if it would."""
    rules: list[JudgedRule]


async def explain(
    tx: Transaction, caller: Caller, asked: ContactKey, recipient: str | None
) -> Explanation:
    """Whether a message would go out now, to the recipient, or with None to the person's own
    address. Without a brand it is the token's only one, without a category MARKETING. Raises
    NotFound for a brand of others, ValidationFailed."""
    key, recipient = _checked(caller, asked, recipient)
    if recipient is None:
        address = await _own_address(tx, key)
        because = "own_address" if address else "no_address"
    else:
        address, because = recipient, "given"
    rule = await rule_of(tx, key.brand_id, key.channel, key.category)
    contact = (key.person_id, address or "")
    blocks = await tx.gate.find_blocks(rule, [contact])
    return Explanation(
        address,
        blocks.get(contact) if address else SkipReason.NO_ADDRESS,
        [
            JudgedRule(RuleName.ADDRESS, address is not None, because),
            await _suppression(tx, rule, address),
            await _consent(tx, key),
            await _preference(tx, rule, key),
        ],
    )


def _checked(
    caller: Caller, asked: ContactKey, recipient: str | None
) -> tuple[ContactKey, str | None]:
    checks = Checks()
    person_id = check_person_id(checks, "person_id", asked.person_id)
    if recipient is not None:
        recipient = check_address(checks, "recipient", asked.channel, recipient)
    checks.finish()
    brand_id = caller.principal.brand_or_only(asked.brand_id)
    category = asked.category or MARKETING
    return ContactKey(brand_id, person_id, asked.channel, category), recipient


async def _own_address(tx: Transaction, key: ContactKey) -> str | None:
    if key.channel == Channel.IN_APP:
        return key.person_id
    person = await tx.people.find(key.brand_id, key.person_id)
    return own_address(person, key.channel) if person else None


async def _suppression(tx: Transaction, rule: GateRule, address: str | None) -> JudgedRule:
    found = (
        await tx.suppressions.find_address(rule.brand_id, rule.channel, address)
        if address
        else None
    )
    if found is None:
        return JudgedRule(RuleName.SUPPRESSION, passes=True, because="not_suppressed")
    passes = rule.transactional and found.reason is SuppressionReason.UNSUBSCRIBE
    return JudgedRule(RuleName.SUPPRESSION, passes, found.reason.value)


async def _consent(tx: Transaction, key: ContactKey) -> JudgedRule:
    check = await find_consent(tx, key)
    return JudgedRule(RuleName.CONSENT, check.consented, check.reason.value)


async def _preference(tx: Transaction, rule: GateRule, key: ContactKey) -> JudgedRule:
    if rule.transactional:
        return JudgedRule(RuleName.PREFERENCE, passes=True, because="transactional_bypass")
    found = await tx.preferences.find(key.brand_id, key.person_id, key.channel, key.category)
    because = "not_set" if found is None else "enabled" if found.enabled else "disabled"
    return JudgedRule(RuleName.PREFERENCE, found is None or found.enabled, because)
