"""One gate: previews, acceptances, sends, claims and explanations say the same of the same people,
whatever is recorded of them. Tests run on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.commands.consents.key import ContactKey
from server.commands.gate.explain import RuleName, explain
from server.commands.messages.batch import schedule_messages
from server.commands.messages.intake import MessageIntake
from server.commands.messages.schedule import NewMessage, schedule_message
from server.commands.messages.send import accept_at_once
from server.commands.sends.preview_audience import preview_campaign
from server.commands.sends.start import send_campaign
from server.domain.contacts.category import category_of
from server.domain.errors import NoConsent, PreferenceOff, Suppressed
from server.domain.faces import Face
from storage.contract.storage import Transaction
from storage.model.audiences import SkipReason
from storage.model.campaigns import Campaign
from storage.model.gate import GateRule
from storage.model.ids import new_id
from storage.model.messages import Message, Purpose
from tests.commands.test_dedup_keys import new_message
from tests.support.dispatch.stage import BRAND, Stage
from tests.support.storage import made
from tests.support.storage.recorded import EVERY_RECORD, Recorded, consent, held_back, record

Accept = Callable[[Stage, NewMessage], Awaitable[object]]
Reasons = dict[str, str | None]
"""Why each person gets nothing; None: they get it."""

RULE_OF: dict[str, RuleName] = {
    SkipReason.SUPPRESSED: RuleName.SUPPRESSION,
    SkipReason.NO_CONSENT: RuleName.CONSENT,
    SkipReason.PREFERENCE_OFF: RuleName.PREFERENCE,
}
NUMBERS = count()


async def at_once(stage: Stage, new: NewMessage) -> None:
    await stage.storage.write(lambda tx: accept_at_once(tx, stage.caller, new))


async def scheduled(stage: Stage, new: NewMessage) -> None:
    await stage.storage.write(lambda tx: schedule_message(tx, stage.caller, new))


async def joined(stage: Stage, new: NewMessage) -> None:
    await MessageIntake(stage.storage).schedule(stage.caller, new)


async def in_a_batch(stage: Stage, new: NewMessage) -> None:
    (outcome,) = await stage.storage.write(
        lambda tx: schedule_messages(tx, stage.caller, BRAND, [new])
    )
    if outcome.error is not None:
        raise outcome.error


ACCEPTANCES: tuple[Accept, ...] = (at_once, scheduled, joined, in_a_batch)
"""All that takes one-offs."""


@dataclass(frozen=True, slots=True)
class World:
    """What is recorded of some people in the category of what a campaign sends them, and what
    their brand's policy says."""

    people: list[Recorded]
    of_template: str | None
    """Its category."""
    default: str
    """What it means on email that somebody said nothing."""
    transactional: tuple[str, ...]

    def rule(self, purpose: Purpose) -> GateRule:
        """What a message with this purpose is judged by."""
        category = category_of(purpose, self.of_template)
        return made.rule(
            category=category,
            transactional=category in ("transactional", *self.transactional),
            opt_in=self.default == "opt_in",
        )


NOT_SUPPRESSED = [each for each in EVERY_RECORD if each.suppressed is None]
WORLDS = st.builds(
    World,
    # Most people are not suppressed: other rules are asked only of them.
    people=st.lists(
        st.sampled_from(NOT_SUPPRESSED) | st.sampled_from(EVERY_RECORD), min_size=8, max_size=14
    ),
    of_template=st.sampled_from([None, "marketing", "news", "transactional"]),
    default=st.sampled_from(["opt_in", "opt_out"]),
    transactional=st.sampled_from([(), ("news",), ("marketing",)]),
)


class Crowd:
    """The people of a world on a stage, with a template of their own, and what is told of them."""

    def __init__(self, stage: Stage, world: World) -> None:
        self.stage, self.world = stage, world
        self.name = f"crowd-{next(NUMBERS):04}"
        self.people = [f"{self.name}-{number:02}" for number in range(len(world.people))]
        self.contacts = [(each, f"{each}@example.com") for each in self.people]

    async def arrive(self) -> None:
        """They are there, and nothing is recorded of them, where that is consent."""
        await self.stage.policy(consent_defaults={"email": "opt_out"})
        await self.stage.template(template_key=self.name)

        async def put(tx: Transaction) -> None:
            template = await tx.templates.find_by_key(BRAND, "email", self.name)
            assert template is not None
            await tx.templates.replace(replace(template, category=self.world.of_template))
            for each in self.people:
                await tx.people.put(made.person(each, attributes={"crowd": self.name}))

        await self.stage.storage.write(put)

    async def become_known(self) -> None:
        """All that the world says is recorded."""
        world, category = self.world, self.world.rule(Purpose.MARKETING).category

        async def write(tx: Transaction) -> None:
            for person_id, recorded in zip(self.people, world.people, strict=True):
                await record(tx, person_id, recorded, category)

        await self.stage.storage.write(write)
        await self.stage.policy(
            consent_defaults={"email": world.default},
            transactional_categories=world.transactional,
        )

    def expected(self, purpose: Purpose) -> Reasons:
        """By the contract."""
        rule = self.world.rule(purpose)
        found = (held_back(rule, recorded) for recorded in self.world.people)
        return dict(zip(self.people, found, strict=True))

    async def explained(self, purpose: Purpose) -> Reasons:
        """By `explain`, whose first rule that does not pass is the one of the reason."""
        category = self.world.rule(purpose).category

        async def look(tx: Transaction) -> Reasons:
            found: Reasons = {}
            for each in self.people:
                key = ContactKey(BRAND, each, "email", category)
                told = await explain(tx, self.stage.caller, key, None)
                fails = [judged.rule for judged in told.rules if not judged.passes]
                assert fails[:1] == ([] if told.reason is None else [RULE_OF[told.reason]])
                found[each] = told.reason
            return found

        return await self.stage.storage.read(look)

    async def accepted(self, accept: Accept) -> Reasons:
        """By what takes one-offs."""
        return {each: await self._refusal(accept, each) for each in self.people}

    async def _refusal(self, accept: Accept, person_id: str) -> str | None:
        new = new_message(
            self.stage,
            person_id=person_id,
            recipient=f"{person_id}@example.com",
            template_key=self.name,
            dedup_key=new_id(),
        )
        try:
            await accept(self.stage, new)
        except (Suppressed, NoConsent, PreferenceOff) as error:
            return error.reason
        return None

    async def campaign(self) -> Campaign:
        """One to all of them."""
        everybody = {"==": [{"var": "crowd"}, self.name]}
        return await self.stage.campaign(template_key=self.name, segment_criteria=everybody)

    async def previewed(self, *, to_given: bool) -> Reasons:
        """By the preview of a campaign to them, as its audience or given one by one."""
        campaign, given = await self.campaign(), self.contacts if to_given else None
        _, preview = await self.stage.storage.read(
            lambda tx: preview_campaign(tx, self.stage.caller, Face.COMMS, campaign.id, given)
        )
        told = {each.person_id: each.skip_reason for each in preview.sample}
        assert preview.skips == Counter(filter(None, told.values()))
        return told

    async def sent(self, *, to_given: bool) -> list[Message]:
        """Messages of a campaign to them."""
        campaign, given = await self.campaign(), self.contacts if to_given else None
        send = await self.stage.storage.write(
            lambda tx: send_campaign(tx, self.stage.caller, Face.COMMS, campaign.id, given)
        )
        return await self.stage.messages_of(send)

    async def reasons(self, messages: list[Message]) -> Reasons:
        """Why each of the messages was skipped by now."""
        return {each.person_id: (await self.stage.fate(each))[1] for each in messages}


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=WORLDS)
async def test_everybody_who_asks_the_gate_is_told_the_same(stage: Stage, world: World) -> None:
    crowd = Crowd(stage, world)
    await crowd.arrive()
    early = await crowd.sent(to_given=True)
    one_offs = [await stage.message(each, template_key=crowd.name) for each in crowd.people]
    await crowd.become_known()

    of_campaigns = crowd.expected(Purpose.MARKETING)
    of_one_offs = crowd.expected(Purpose.TRANSACTIONAL)
    assert await crowd.explained(Purpose.MARKETING) == of_campaigns
    assert await crowd.explained(Purpose.TRANSACTIONAL) == of_one_offs
    for accept in ACCEPTANCES:
        assert await crowd.accepted(accept) == of_one_offs
    sent = [early]
    for to_given in (False, True):
        assert await crowd.previewed(to_given=to_given) == of_campaigns
        sent.append(await crowd.sent(to_given=to_given))
        assert await crowd.reasons(sent[-1]) == of_campaigns

    await stage.run(stage.workers())
    for messages in sent:
        assert await crowd.reasons(messages) == of_campaigns
    assert await crowd.reasons(one_offs) == of_one_offs


async def test_what_was_decided_between_two_tries_counts(stage: Stage) -> None:
    message = await stage.message("ann")
    (send, (to_bob,)) = await stage.send([("bob", "bob@example.com")])
    said = consent("bob", opted_in=False)
    await stage.storage.write(lambda tx: tx.consents.put_many([said]))
    await stage.run(stage.workers())
    assert await stage.fate(to_bob) == ("skipped", "no_consent")
    assert await stage.fate(message) == ("sent", None)
    assert await stage.counted(send) == {"total": 1, "skipped": 1}
