"""Reads what a batch of messages is rendered from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.domain.contacts.addresses import read_address
from server.domain.contacts.category import category_of
from storage.contract.storage import Transaction
from storage.model.audiences import SkipReason
from storage.model.brands import BrandPolicy
from storage.model.campaigns import Campaign, CampaignTest
from storage.model.gate import GateRule
from storage.model.literal_contents import LiteralContent
from storage.model.messages import Message, Purpose
from storage.model.people import Person
from storage.model.sends import Send
from storage.model.templates import TemplateVersion

TemplateKey = tuple[str, str, str, int]
"""Brand, channel, template key, revision."""


@dataclass(frozen=True, slots=True)
class Content:
    """What messages have in common. It is kept, since what is read of it never changes: revisions
    are immutable, a send's subject and variables are a snapshot, and the campaign of a send can no
    longer be renamed."""

    templates: dict[TemplateKey, TemplateVersion]
    categories: dict[TemplateKey, str | None]
    """Of the same templates: a template keeps its own."""
    sends: dict[str, Send]
    campaigns: dict[str, Campaign]

    def __len__(self) -> int:
        return len(self.templates) + len(self.sends) + len(self.campaigns)

    def category(self, message: Message) -> str:
        """The category of a message."""
        of_template = self.categories.get(template_key(message))
        return category_of(Purpose.of(message.send_id, message.enrollment_id), of_template)

    def joined(self, other: Content) -> Content:
        """Both."""
        return Content(
            self.templates | other.templates,
            self.categories | other.categories,
            self.sends | other.sends,
            self.campaigns | other.campaigns,
        )


@dataclass(frozen=True, slots=True)
class Material:
    """What a batch of messages is rendered from."""

    content: Content
    people: dict[tuple[str, str], Person]
    tests: dict[str, CampaignTest]
    """By message, of those that try out a campaign."""
    literals: Mapping[str, LiteralContent]
    """By message, of those that are made of no template."""
    addresses: dict[str, str]
    """By message, in normal form: what goes on the wire, and what the gate was asked about.
    Those that have none are not here."""
    held_back: Mapping[str, SkipReason]
    """By message, why it must not go out."""


def template_key(message: Message) -> TemplateKey:
    """Of the version that the message is made of."""
    return message.brand_id, message.channel, message.template_key, message.template_revision


async def load_material(tx: Transaction, messages: Sequence[Message], known: Content) -> Material:
    """Reads it, as far as it is not known. Only the content of these messages is in it."""
    content = await _load_content(tx, messages, known)
    people = {}
    for brand_id in {message.brand_id for message in messages}:
        ids = list({message.person_id for message in messages if message.brand_id == brand_id})
        for person_id, person in (await tx.people.find_many(brand_id, ids)).items():
            people[brand_id, person_id] = person
    read = ((message.id, read_address(message.channel, message.recipient)) for message in messages)
    addresses = {message_id: address for message_id, address in read if address is not None}
    tests = [message.id for message in messages if message.may_be_test]
    tried = await tx.campaigns.find_tests(tests) if tests else {}
    given = [message.id for message in messages if message.is_literal]
    literals = await tx.literal_contents.find_many(given) if given else {}
    held_back = await _held_back(tx, messages, addresses, content)
    return Material(content, people, tried, literals, addresses, held_back)


async def _load_content(tx: Transaction, messages: Sequence[Message], known: Content) -> Content:
    templates, categories = {}, {}
    for key in {template_key(message) for message in messages if not message.is_literal}:
        template = known.templates.get(key) or await tx.templates.find_version(*key)
        if template is not None:
            templates[key] = template
            categories[key] = (
                known.categories[key]
                if key in known.categories
                else await _category_of_template(tx, key)
            )
    send_ids = {message.send_id for message in messages if message.send_id}
    sends = {send_id: known.sends[send_id] for send_id in send_ids if send_id in known.sends}
    if len(sends) < len(send_ids):
        sends |= await tx.sends.find_many(list(send_ids - sends.keys()))
    campaigns = {}
    for campaign_id in {send.campaign_id for send in sends.values()}:
        campaign = known.campaigns.get(campaign_id) or await tx.campaigns.find(campaign_id)
        if campaign is not None:
            campaigns[campaign_id] = campaign
    return Content(templates, categories, sends, campaigns)


async def _category_of_template(tx: Transaction, key: TemplateKey) -> str | None:
    template = await tx.templates.find_by_key(*key[:3])
    return template.category if template else None


async def _held_back(
    tx: Transaction,
    messages: Sequence[Message],
    addresses: Mapping[str, str],
    content: Content,
) -> dict[str, SkipReason]:
    """Looked up with the rest just before the messages go out, so that an unsubscribe of a second
    ago counts."""
    policies = await tx.brands.find_policies({message.brand_id for message in messages})
    of_category: defaultdict[tuple[str, str, str], list[Message]] = defaultdict(list)
    for message in messages:
        if message.id in addresses:
            of = message.brand_id, message.channel, content.category(message)
            of_category[of].append(message)
    found: dict[str, SkipReason] = {}
    for (brand_id, channel, category), some in of_category.items():
        policy = policies.get(brand_id) or BrandPolicy(brand_id=brand_id)
        rule = GateRule.of(policy, channel, category)
        if not await tx.gate.may_block(rule):
            continue
        contacts = {message.id: (message.person_id, addresses[message.id]) for message in some}
        blocks = await tx.gate.find_blocks(rule, set(contacts.values()))
        found.update(
            (each, blocks[contacts[each]]) for each in contacts if contacts[each] in blocks
        )
    return found
