"""The gate: suppressions, consents and preferences as one rule, the same for contacts given and for
an audience."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from random import Random

import pytest

from storage.contract.storage import Transaction
from storage.model.criteria import EVERYONE
from storage.model.gate import GateRule
from storage.model.suppressions import SuppressionReason
from tests.support.storage import made
from tests.support.storage.made import NOW
from tests.support.storage.recorded import (
    EVERY_RECORD,
    consent,
    held_back,
    preference,
    record,
    suppression,
)
from tests.support.storage.scene import Scene

RULES = [
    made.rule(transactional=transactional, opt_in=opt_in)
    for transactional, opt_in in product((False, True), repeat=2)
]
PEOPLE = [f"person-{number:02}" for number in range(len(EVERY_RECORD))]
"""One for each that can be recorded."""


async def put_people(tx: Transaction) -> None:
    for person_id, recorded in zip(PEOPLE, EVERY_RECORD, strict=True):
        await tx.people.put(made.person(person_id))
        await record(tx, person_id, recorded)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.transactional}-{rule.opt_in}")
async def test_who_is_held_back_and_why_for_contacts_given_and_for_an_audience(
    scene: Scene, rule: GateRule
) -> None:
    await scene.storage.write(put_people)
    contacts = [(person_id, f"{person_id}@example.com") for person_id in PEOPLE]
    found = await scene.storage.read(lambda tx: tx.gate.find_blocks(rule, contacts))
    expected = [held_back(rule, recorded) for recorded in EVERY_RECORD]
    assert [found.get(contact) for contact in contacts] == expected
    members = await scene.storage.read(
        lambda tx: tx.people.list_matching(rule, EVERYONE, NOW, None, len(PEOPLE))
    )
    assert [each.skip_reason for each in members] == expected
    counts = await scene.storage.read(lambda tx: tx.people.count_matching(rule, EVERYONE, NOW))
    assert {each.skip_reason: each.people for each in counts} == {
        reason: expected.count(reason) for reason in {*expected}
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
    manual = suppression("a@b.example", SuppressionReason.MANUAL)
    await scene.storage.write(lambda tx: tx.suppressions.put_many([manual]))
    assert await blocked_by(scene, rules) == [True, True, True]
    assert await blocked_by(scene, [made.rule("push"), made.rule(brand_id="other")]) == [
        False,
        False,
    ]
