"""The gate: suppressions, consents and preferences as one rule, the same for contacts given and for
an audience."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from random import Random

import pytest

from storage.contract.storage import Transaction
from storage.model.consents import Consent
from storage.model.criteria import EVERYONE
from storage.model.gate import GateRule
from storage.model.ids import new_id
from storage.model.preferences import Preference
from storage.model.suppressions import Suppression, SuppressionReason
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW
from tests.support.storage.scene import Scene

RULES = [
    made.rule(transactional=transactional, opt_in=opt_in)
    for transactional, opt_in in product((False, True), repeat=2)
]
Case = tuple[SuppressionReason | None, bool | None, bool | None]
"""Why the address is suppressed, what the person said, what they want; None: nothing."""
CASES: list[Case] = list(
    product((None, *SuppressionReason), (None, False, True), (None, False, True))
)


def expected(rule: GateRule, case: Case) -> str | None:
    """What the contract says, in plain words."""
    suppressed, said, wanted = case
    if suppressed and not (rule.transactional and suppressed == "unsubscribe"):
        return "suppressed"
    if rule.transactional:
        return None
    if said is False or (said is None and rule.opt_in):
        return "no_consent"
    return "preference_off" if wanted is False else None


def consent(person_id: str, opted_in: bool, **more: str) -> Consent:
    about = {"brand_id": BRAND, "channel": "email", "category": "marketing"} | more
    return Consent(
        id=new_id(), person_id=person_id, opted_in=opted_in, source="test", created_at=NOW,
        updated_at=NOW, **about,
    )  # fmt: skip


def preference(person_id: str, enabled: bool, **more: str) -> Preference:
    about = {"brand_id": BRAND, "channel": "email", "category": "marketing"} | more
    return Preference(
        id=new_id(), person_id=person_id, enabled=enabled, created_at=NOW, updated_at=NOW, **about
    )


def suppression(address: str, reason: SuppressionReason) -> Suppression:
    return Suppression(
        id=new_id(), brand_id=BRAND, channel="email", address=address, reason=reason,
        source="test", created_at=NOW,
    )  # fmt: skip


async def put_cases(tx: Transaction) -> None:
    """A person for each case, and what concerns another brand, channel or category."""
    for number, (suppressed, said, wanted) in enumerate(CASES):
        name = person(number)
        await tx.people.put(made.person(name))
        if suppressed:
            await tx.suppressions.put_many([suppression(f"{name}@example.com", suppressed)])
        if said is not None:
            await tx.consents.put_many([consent(name, said)])
        if wanted is not None:
            await tx.preferences.put_many([preference(name, wanted)])
        for other in ({"brand_id": "other"}, {"channel": "push"}, {"category": "other"}):
            await tx.consents.put_many([consent(name, not said, **other)])
            await tx.preferences.put_many([preference(name, not wanted, **other)])


def person(number: int) -> str:
    return f"person-{number:02}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.transactional}-{rule.opt_in}")
async def test_who_is_held_back_and_why_for_contacts_given_and_for_an_audience(
    scene: Scene, rule: GateRule
) -> None:
    await scene.storage.write(put_cases)
    contacts = [(person(number), f"{person(number)}@example.com") for number in range(len(CASES))]
    found = await scene.storage.read(lambda tx: tx.gate.find_blocks(rule, contacts))
    assert [found.get(contact) for contact in contacts] == [expected(rule, case) for case in CASES]
    members = await scene.storage.read(
        lambda tx: tx.people.list_matching(rule, EVERYONE, NOW, None, len(CASES))
    )
    assert {each.person_id: each.skip_reason for each in members} == {
        person_id: found.get((person_id, address)) for person_id, address in contacts
    }
    counts = await scene.storage.read(lambda tx: tx.people.count_matching(rule, EVERYONE, NOW))
    reasons = [each.skip_reason for each in members]
    assert {each.skip_reason: each.people for each in counts} == {
        reason: reasons.count(reason) for reason in set(reasons)
    }


async def test_any_number_of_contacts_is_looked_up(scene: Scene) -> None:
    numbers = Random(1).sample(range(12_000), 20)  # noqa: S311
    held = [consent(f"p{number}", opted_in=False) for number in numbers]
    await scene.storage.write(lambda tx: tx.consents.put_many(held))
    contacts = ((f"p{number}", f"p{number}@example.com") for number in range(12_000))
    found = await scene.storage.read(lambda tx: tx.gate.find_blocks(made.rule(), contacts))
    assert found == {(f"p{number}", f"p{number}@example.com"): "no_consent" for number in numbers}
    assert await scene.storage.read(lambda tx: tx.gate.find_blocks(made.rule(), [])) == {}


async def blocked_by(scene: Scene, rules: Sequence[GateRule]) -> list[bool]:
    async def look(tx: Transaction) -> list[bool]:
        return [await tx.gate.may_block(rule) for rule in rules]

    return await scene.storage.read(look)


async def test_whether_anybody_could_be_held_back_is_told_by_rule(scene: Scene) -> None:
    marketing = made.rule()
    transactional = replace(marketing, transactional=True)
    rules = [marketing, transactional, replace(marketing, category="news")]
    opt_in = [replace(each, opt_in=True) for each in rules]
    assert await blocked_by(scene, rules) == [False, False, False]
    assert await blocked_by(scene, opt_in) == [True, False, True]
    await scene.storage.write(lambda tx: tx.preferences.put_many([preference("ann", False)]))
    assert await blocked_by(scene, rules) == [True, False, False]
    news = consent("ann", False, category="news")
    await scene.storage.write(lambda tx: tx.consents.put_many([news]))
    assert await blocked_by(scene, rules) == [True, False, True]
    record = suppression("a@b.example", SuppressionReason.MANUAL)
    await scene.storage.write(lambda tx: tx.suppressions.put_many([record]))
    assert await blocked_by(scene, rules) == [True, True, True]
    assert await blocked_by(scene, [made.rule("push"), made.rule(brand_id="other")]) == [
        False,
        False,
    ]
