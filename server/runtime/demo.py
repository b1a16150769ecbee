"""Makes the demo brand that an empty database starts with, and a token for it, so that a new user
has something to send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.commands.campaigns.create import NewCampaign, create_campaign
from server.commands.campaigns.steps import NewStep, add_step
from server.commands.operations.brands import create_brand
from server.commands.operations.tokens import MintedToken, record_token
from server.commands.people.put import put_person
from server.commands.segments.create import NewSegment, create_segment
from server.commands.templates.add_version import NewVersion, add_version, prepare_version
from server.commands.templates.create import NewTemplate, create_template
from server.domain.access import Caller, Principal
from server.domain.contacts.person import NewPerson
from server.domain.errors import UnknownBrand
from server.domain.faces import Face
from server.identity.tokens import Tokens
from storage.contract.storage import Storage, Transaction
from storage.model.channels import Channel
from storage.model.ids import new_id
from storage.model.templates import TemplateVariable, TemplateVariant, TemplateVersion, VariableType
from storage.model.values import JsonObject

BRAND = "demo"
TEMPLATE_KEY = "welcome"
_CALLER = Principal("demo-seed", frozenset({BRAND}), frozenset())

_NEWS: JsonObject = {"news": "the autumn catalogue is here"}
# A default in the schema would be the same in every language.
_VARIABLES = (TemplateVariable("news", VariableType.TEXT),)
_BODY = (
    "Hello {{ person.first_name | default: 'there' }}, {{ news | default: 'welcome to the demo' }}."
)
_BODY_PT = (
    "Olá {{ person.first_name | default: 'a todos' }}, {{ news | default: 'boas-vindas à "
    "demonstração' }}."
)
_HTML = (
    "<p>Hello <b>{{ person.first_name | default: 'there' }}</b>, {{ news | default: 'welcome to "
    "the demo' }}.</p>"
)
_HTML_PT = (
    "<p>Olá <b>{{ person.first_name | default: 'a todos' }}</b>, {{ news | default: 'boas-vindas à "
    "demonstração' }}.</p>"
)

_PEOPLE: tuple[tuple[str, JsonObject, str | None, str, str], ...] = (
    ("ada", {"first_name": "Ada", "plan": "pro"}, "+351210000001", "en-GB", "Europe/London"),
    ("grace", {"first_name": "Grace", "plan": "pro"}, "+12025550102", "en-US", "America/New_York"),
    ("ines", {"first_name": "Inês", "plan": "free"}, None, "pt-PT", "Europe/Lisbon"),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """What was made."""

    comms_campaign_id: str
    messaging_campaign_id: str
    segment_id: str


async def seed_demo(tx: Transaction, now: datetime) -> Demo | None:
    """Fills an empty database: a template for each channel, three people, a segment, a draft
    campaign in each face. None if it is not empty."""
    if not await tx.is_empty():
        return None
    caller = Caller(_CALLER, now)
    await create_brand(tx, caller, BRAND, "Demo")
    versions = {channel: await _put_template(tx, caller, channel) for channel in Channel}
    for person_id, attributes, phone, locale, time_zone in _PEOPLE:
        await put_person(
            tx, caller, BRAND, _person(person_id, attributes, phone, locale, time_zone)
        )
    segment = await create_segment(
        tx,
        caller,
        NewSegment(
            brand_id=BRAND,
            name="Customers on the pro plan",
            predicate={"==": [{"var": "plan"}, "pro"]},
        ),
    )
    comms = await create_campaign(
        tx,
        caller,
        Face.COMMS,
        NewCampaign(
            brand_id=BRAND,
            name="Autumn news (comms)",
            subject="Autumn news",
            template_key=TEMPLATE_KEY,
            segment_criteria={},
            variables=_NEWS,
        ),
    )
    messaging = await create_campaign(
        tx,
        caller,
        Face.MESSAGING,
        NewCampaign(brand_id=BRAND, name="Autumn news (messaging)", segment_id=segment.id),
    )
    await add_step(
        tx,
        caller,
        messaging.id,
        NewStep(
            position=1,
            template_id=versions[Channel.EMAIL].template_id,
            template_version_id=versions[Channel.EMAIL].id,
            variables=_NEWS,
        ),
    )
    return Demo(comms.id, messaging.id, segment.id)


async def mint_demo_token(
    storage: Storage, tokens: Tokens, caller: Caller, scopes: Sequence[str], lifetime: timedelta
) -> str | None:
    """A token for the demo brand, which the audit log knows of; None if there is no such brand."""
    principal = Principal("quick-start", frozenset({BRAND}), frozenset(scopes))
    made = MintedToken(new_id(), principal, caller.now + lifetime)
    try:
        await storage.write(lambda tx: record_token(tx, caller, made))
    except UnknownBrand:
        return None
    return tokens.mint(principal.subject, [BRAND], scopes, lifetime, made.id)


async def _put_template(tx: Transaction, caller: Caller, channel: Channel) -> TemplateVersion:
    new = NewTemplate(brand_id=BRAND, channel=channel, template_key=TEMPLATE_KEY)
    template = await create_template(tx, caller, new)
    return await add_version(tx, caller, template.id, prepare_version(channel, _version(channel)))


def _version(channel: Channel) -> NewVersion:
    return NewVersion(
        subject=None if channel is Channel.SMS else "Welcome",
        body=_BODY,
        html=_HTML if channel is Channel.EMAIL else None,
        variables=_VARIABLES,
        variants=(
            TemplateVariant(
                locale="pt",
                subject=None if channel is Channel.SMS else "Boas-vindas",
                body=_BODY_PT,
                html=_HTML_PT if channel is Channel.EMAIL else None,
            ),
        ),
    )


def _person(
    person_id: str, attributes: JsonObject, phone: str | None, locale: str, time_zone: str
) -> NewPerson:
    return NewPerson(
        person_id=person_id,
        attributes=attributes,
        email=f"{person_id}@example.com",
        phone=phone,
        push_tokens=(f"demo-device-{person_id}",),
        locale=locale,
        time_zone=time_zone,
    )
