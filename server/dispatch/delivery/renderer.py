"""Renders claimed messages into what goes out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial

from server.channels.provider import Envelope
from server.dispatch.delivery.outcomes import IN_APP, held_back, unrenderable, without_address
from server.domain.contacts.addresses import read_address
from server.domain.contacts.category import category_of
from server.domain.contacts.unsubscribe import LinkedContact
from server.domain.templates.message_content import MessageContent
from server.domain.templates.rendering import RenderError, compile_template
from storage.contract.storage import Storage, Transaction
from storage.model.audiences import SkipReason
from storage.model.brands import BrandPolicy
from storage.model.campaigns import Campaign, CampaignTest
from storage.model.deliveries import Settlement
from storage.model.gate import GateRule
from storage.model.messages import Message, Purpose
from storage.model.people import Person
from storage.model.programs import OWN_ADDRESS
from storage.model.sends import Send
from storage.model.templates import TemplateVersion

CACHED_TEMPLATES = 512
CACHED_CONTENT = 512
"""Templates, sends and campaigns that are kept as they were read."""
TIME_BUDGET = 5.0
"""Seconds after which a batch is cut short. The slowest template takes about one second; a whole
batch of them would outlive its leases and never be delivered."""

_log = logging.getLogger(__name__)

TemplateKey = tuple[str, str, str, int]
"""Brand, channel, template key, revision."""


Result = Envelope | Settlement
"""What goes out of a message, or how it ends because nothing does."""


@dataclass(frozen=True, slots=True)
class _Content:
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

    def joined(self, other: _Content) -> _Content:
        """Both."""
        return _Content(
            self.templates | other.templates,
            self.categories | other.categories,
            self.sends | other.sends,
            self.campaigns | other.campaigns,
        )


@dataclass(frozen=True, slots=True)
class _Material:
    """What a batch of messages is rendered from."""

    content: _Content
    people: dict[tuple[str, str], Person]
    tests: dict[str, CampaignTest]
    """By message, of those that try out a campaign."""
    addresses: dict[str, str]
    """By message, in normal form: what goes on the wire, and what the gate was asked about.
    Those that have none are not here."""
    held_back: Mapping[str, SkipReason]
    """By message, why it must not go out."""


class Renderer:
    """Renders batches. Revisions are immutable, so compiled templates are kept."""

    def __init__(self, storage: Storage, unsubscribe_link: Callable[[LinkedContact], str]) -> None:
        """`unsubscribe_link` gives the link of a contact."""
        self._storage = storage
        self._unsubscribe_link = unsubscribe_link
        self._known = _Content({}, {}, {}, {})
        self._compile = lru_cache(CACHED_TEMPLATES)(compile_template)

    async def render(self, messages: Sequence[Message], now: datetime) -> list[Result]:
        """An envelope for each message, in order, or how it ends without one; for the first of them
        only, at least one, if they take long. `now` becomes the date of what goes out, and what
        templates take for the present.

        On another thread: a template may take up to a second before its budget is spent, and the
        loop has calls to answer.
        """
        material = await self._storage.read(partial(_load, messages=messages, known=self._known))
        self._remember(material.content)
        return await asyncio.to_thread(self._render_in_time, messages, material, now)

    def _remember(self, content: _Content) -> None:
        # What was not used this time is forgotten when there is too much of it.
        self._known = (
            content
            if len(self._known) + len(content) > CACHED_CONTENT
            else self._known.joined(content)
        )

    def _render_in_time(
        self, messages: Sequence[Message], material: _Material, now: datetime
    ) -> list[Result]:
        end = time.monotonic() + TIME_BUDGET
        results: list[Result] = []
        for message in messages:
            results.append(self._render_or_fail(message, material, now))
            if time.monotonic() > end:
                break
        return results

    def _render_or_fail(self, message: Message, material: _Material, now: datetime) -> Result:
        try:
            return self._render_one(message, material, now)
        except RenderError as error:
            return unrenderable(message, error.reason)
        except Exception:  # noqa: BLE001 - one message must not take its batch with it
            _log.exception("message %s could not be rendered", message.id)
            return unrenderable(message, "template_error")

    def _render_one(self, message: Message, material: _Material, now: datetime) -> Result:
        if message.id in material.held_back:
            return held_back(message, material.held_back[message.id])
        address = material.addresses.get(message.id)
        if address is None and _has_no_address(message):
            return without_address(message)
        if address is None:
            return unrenderable(message, SkipReason.INVALID_RECIPIENT)
        template = material.content.templates.get(_template_key(message))
        if template is None:
            return unrenderable(message, "template_missing")
        send = material.content.sends.get(message.send_id) if message.send_id else None
        person = material.people.get((message.brand_id, message.person_id))
        campaign = material.content.campaigns.get(send.campaign_id) if send else None
        content = MessageContent(
            message=message,
            template=template,
            person=person,
            send=send,
            campaign=campaign,
            test=material.tests.get(message.id),
        )
        compiled = self._compile(content.source)
        # A link takes a fifth of the time, and nobody sees that of an in_app message unless its
        # template shows it.
        linked = message.channel != IN_APP or compiled.may_show("unsubscribe_url")
        unsubscribe_url = (
            self._unsubscribe_link(_contact(message, address, material.content)) if linked else None
        )
        rendered = content.render(compiled, unsubscribe_url, now)
        if not _is_text(f"{rendered.subject}{rendered.body}{rendered.html}"):
            return unrenderable(message, "template_error")
        return Envelope(
            message_id=message.id,
            brand_id=message.brand_id,
            person_id=message.person_id,
            channel=message.channel,
            address=address,
            subject=rendered.subject,
            body=rendered.body,
            html=rendered.html,
            created_at=now,
            unsubscribe_url=unsubscribe_url,
        )


def _is_text(text: str) -> bool:
    """Filters can make a NUL, which PostgreSQL does not store, and half a surrogate pair, which has
    no UTF-8."""
    if text.isascii():
        return "\0" not in text
    try:
        return "\0" not in text and bool(text.encode())
    except UnicodeEncodeError:
        return False


def _has_no_address(message: Message) -> bool:
    """Whether it is a step to somebody's own address who had none when it ran."""
    return message.enrollment_id is not None and message.recipient == OWN_ADDRESS


def _category(message: Message, content: _Content) -> str:
    of_template = content.categories.get(_template_key(message))
    return category_of(Purpose.of(message.send_id, message.enrollment_id), of_template)


def _contact(message: Message, address: str, content: _Content) -> LinkedContact:
    category = _category(message, content)
    return LinkedContact(message.brand_id, message.person_id, message.channel, category, address)


def _template_key(message: Message) -> TemplateKey:
    return message.brand_id, message.channel, message.template_key, message.template_revision


async def _load(tx: Transaction, messages: Sequence[Message], known: _Content) -> _Material:
    content = await _load_content(tx, messages, known)
    people = {}
    for brand_id in {message.brand_id for message in messages}:
        ids = list({message.person_id for message in messages if message.brand_id == brand_id})
        for person_id, person in (await tx.people.find_many(brand_id, ids)).items():
            people[brand_id, person_id] = person
    read = ((message.id, read_address(message.channel, message.recipient)) for message in messages)
    addresses = {message_id: address for message_id, address in read if address is not None}
    tests = [message.id for message in messages if message.is_test]
    tried = await tx.campaigns.find_tests(tests) if tests else {}
    held_back = await _held_back(tx, messages, addresses, content)
    return _Material(content, people, tried, addresses, held_back)


async def _load_content(tx: Transaction, messages: Sequence[Message], known: _Content) -> _Content:
    """The content of these messages and no others; read, as far as it is not known."""
    templates, categories = {}, {}
    for key in {_template_key(message) for message in messages}:
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
    return _Content(templates, categories, sends, campaigns)


async def _category_of_template(tx: Transaction, key: TemplateKey) -> str | None:
    template = await tx.templates.find_by_key(*key[:3])
    return template.category if template else None


async def _held_back(
    tx: Transaction,
    messages: Sequence[Message],
    addresses: Mapping[str, str],
    content: _Content,
) -> dict[str, SkipReason]:
    """Looked up with the rest just before the messages go out, so that an unsubscribe of a second
    ago counts."""
    policies = await tx.brands.find_policies({message.brand_id for message in messages})
    of_category: defaultdict[tuple[str, str, str], list[Message]] = defaultdict(list)
    for message in messages:
        if message.id in addresses:
            category = _category(message, content)
            of_category[message.brand_id, message.channel, category].append(message)
    found: dict[str, SkipReason] = {}
    for (brand_id, channel, category), some in of_category.items():
        policy = policies.get(brand_id) or BrandPolicy(brand_id=brand_id)
        rule = GateRule.of(policy, channel, category)
        contacts = {message.id: (message.person_id, addresses[message.id]) for message in some}
        blocks = await tx.gate.find_blocks(rule, set(contacts.values()))
        found.update(
            (each, blocks[contacts[each]]) for each in contacts if contacts[each] in blocks
        )
    return found
