"""One gate: previews, sends, claims and explanations say the same of the same people, whatever is
recorded of them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from server.commands.consents.key import ContactKey
from server.commands.gate.explain import explain
from server.commands.sends.preview_audience import preview_campaign
from server.domain.faces import Face
from storage.contract.storage import Transaction
from storage.model.consents import Consent
from storage.model.ids import new_id
from storage.model.messages import Message
from storage.model.preferences import Preference
from storage.model.suppressions import Suppression, SuppressionReason
from tests.support.dispatch.stage import BRAND, Stage
from tests.support.storage import made

PEOPLE = 12
CATEGORIES = ("marketing", "transactional", "news")
SEEDS = range(10)


async def record(tx: Transaction, stage: Stage, people: list[str], random: Random) -> None:
    """Something of everything, about some of the people: in their brand, channel and category, and
    beside it."""
    now = stage.clock.now()
    for _ in range(3 * PEOPLE):
        about = {
            "brand_id": random.choice([BRAND, BRAND, BRAND, "other"]),
            "channel": random.choice(["email", "email", "sms"]),
        }
        person, category = random.choice(people), random.choice(CATEGORIES)
        match random.choice(["suppression", "consent", "preference"]):
            case "suppression":
                reason = random.choice(list(SuppressionReason))
                lifted = random.choice([None, None, now])
                suppression = Suppression(
                    id=new_id(), brand_id=about["brand_id"], channel=about["channel"],
                    address=f"{person}@example.com", reason=reason, source="test", created_at=now,
                )  # fmt: skip
                await tx.suppressions.put_many([suppression])
                if lifted:
                    await tx.suppressions.lift(suppression.id, now)
            case "consent":
                consent = Consent(
                    id=new_id(), person_id=person, category=category, source="test",
                    opted_in=random.random() < 0.5, created_at=now, updated_at=now, **about,
                )  # fmt: skip
                await tx.consents.put_many([consent])
            case _:
                preference = Preference(
                    id=new_id(), person_id=person, category=category,
                    enabled=random.random() < 0.5, created_at=now, updated_at=now, **about,
                )  # fmt: skip
                await tx.preferences.put_many([preference])


async def categorise(tx: Transaction, category: str | None) -> None:
    """Says what the template of the messages is for."""
    template = await tx.templates.find_by_key(BRAND, "email", "welcome")
    assert template is not None
    await tx.templates.replace(replace(template, category=category))


async def explained(stage: Stage, people: list[str], category: str) -> dict[str, str | None]:
    """Why each of them would get nothing of the category; None: they would."""

    async def look(tx: Transaction) -> dict[str, str | None]:
        found = {
            person: await explain(
                tx, stage.caller, ContactKey(BRAND, person, "email", category), None
            )
            for person in people
        }
        for each in found.values():
            assert (each.reason is None) == all(rule.passes for rule in each.rules)
        return {person: each.reason for person, each in found.items()}

    return await stage.storage.read(look)


def reasons(messages: list[Message]) -> dict[str, str | None]:
    return {message.person_id: message.failure_reason for message in messages}


@pytest.mark.parametrize("seed", SEEDS)
async def test_everybody_who_asks_the_gate_is_told_the_same(stage: Stage, seed: int) -> None:
    random = Random(seed)  # noqa: S311
    people = await stage.people(PEOPLE)
    given = [(person, f"{person}@example.com") for person in people]
    category = random.choice([None, None, "news", "transactional"])
    await stage.storage.write(lambda tx: categorise(tx, category))
    # Accepted while nothing was known of anybody.
    early, _ = await stage.send(given)
    one_offs = [await stage.message(person) for person in people]
    await stage.policy(
        consent_defaults={"email": random.choice(["opt_in", "opt_out"])},
        transactional_categories=random.choice([(), ("news",), ("marketing",)]),
    )
    await stage.storage.write(lambda tx: record(tx, stage, people, random))

    of_campaigns = await explained(stage, people, category or "marketing")
    campaign = await stage.campaign()
    _, preview = await stage.storage.read(
        lambda tx: preview_campaign(tx, stage.caller, Face.COMMS, campaign.id, None)
    )
    assert {each.person_id: each.skip_reason for each in preview.sample} == of_campaigns
    assert preview.skips == {
        reason: list(of_campaigns.values()).count(reason)
        for reason in sorted(filter(None, set(of_campaigns.values())))
    }
    _, previewed = await stage.storage.read(
        lambda tx: preview_campaign(tx, stage.caller, Face.COMMS, campaign.id, given)
    )
    assert previewed == preview

    late, to_given = await stage.send(given)
    assert reasons(to_given) == of_campaigns
    to_all = await stage.publish()
    assert reasons(await stage.messages_of(to_all)) == of_campaigns

    await stage.run(stage.workers())
    for send in (early, late, to_all):
        assert reasons(await stage.messages_of(send)) == of_campaigns
    assert {each.person_id: (await stage.fate(each))[1] for each in one_offs} == await explained(
        stage, people, category or "transactional"
    )


async def test_what_was_decided_between_two_tries_counts(stage: Stage) -> None:
    message = await stage.message("ann")
    (send, (to_bob,)) = await stage.send([("bob", "bob@example.com")])
    said = Consent(
        id=new_id(), brand_id=BRAND, person_id="bob", channel="email", category="marketing",
        opted_in=False, source="test", created_at=made.NOW, updated_at=made.NOW,
    )  # fmt: skip
    await stage.storage.write(lambda tx: tx.consents.put_many([said]))
    await stage.run(stage.workers())
    assert await stage.fate(to_bob) == ("skipped", "no_consent")
    assert await stage.fate(message) == ("sent", None)
    assert await stage.counted(send) == {"total": 1, "skipped": 1}
