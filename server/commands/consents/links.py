"""What a person does with the link in a message: looks at their choices, and changes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from server.commands.consents.key import ContactKey
from server.commands.consents.put import record_consent
from server.commands.consents.queries import find_consent
from server.commands.operations.audit import note
from server.commands.operations.brand_policy import policy_of
from server.domain.access import Caller, Principal
from server.domain.contacts.unsubscribe import LinkedContact
from storage.contract.storage import Transaction
from storage.model.audit import RECIPIENT, AuditAction
from storage.model.ids import new_id
from storage.model.preferences import Preference
from storage.model.suppressions import Suppression, SuppressionReason

ONE_CLICK = "one-click"
PAGE = "unsubscribe page"
_MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class LinkUse:
    """A link, and when and with what request it is used."""

    contact: LinkedContact
    now: datetime
    request_id: str | None = None

    @property
    def caller(self) -> Caller:
        """Whoever has the link, in the audit log."""
        brands = frozenset({self.contact.brand_id})
        return Caller(Principal(RECIPIENT, brands, frozenset()), self.now, self.request_id)

    def key(self, category: str) -> ContactKey:
        """A category of the link's person on its channel."""
        contact = self.contact
        return ContactKey(contact.brand_id, contact.person_id, contact.channel, category)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person has chosen on a channel."""

    categories: dict[str, bool]
    """By category, whether it reaches them; that of the link first. Transactional ones are not
    among them."""
    suppressed: SuppressionReason | None
    """Why nothing but what is transactional, or nothing at all, goes to the link's address."""
    locale: str | None


async def read_choices(tx: Transaction, contact: LinkedContact) -> Choices:
    """What the person of a link has chosen on its channel: of all categories that something is
    known of, and that of the link."""
    policy = await policy_of(tx, contact.brand_id)
    of_person = contact.brand_id, contact.person_id, None, _MOST_ROWS
    consents = await tx.consents.list_page(*of_person)
    preferences = await tx.preferences.list_page(*of_person)
    said = {each.category for each in consents if each.channel == contact.channel}
    wanted = {each.category for each in preferences if each.channel == contact.channel}
    wants = {
        category: await _wants(tx, contact, category)
        for category in dict.fromkeys([contact.category, *sorted(said | wanted)])
        if not policy.is_transactional(category)
    }
    suppression = await _suppression(tx, contact)
    person = await tx.people.find(contact.brand_id, contact.person_id)
    return Choices(
        wants, suppression.reason if suppression else None, person.locale if person else None
    )


async def unsubscribe(tx: Transaction, use: LinkUse) -> None:
    """Unsubscribes the person from the link's category, or if that is transactional, which nobody
    can leave, from everything that is not. Doing so again changes nothing."""
    contact = use.contact
    policy = await policy_of(tx, contact.brand_id)
    if policy.is_transactional(contact.category):
        await _leave_everything(tx, use, ONE_CLICK)
    else:
        await _say(tx, use, contact.category, ONE_CLICK, wanted=False)


async def choose(tx: Transaction, use: LinkUse, category: str, *, wanted: bool) -> None:
    """Switches a category on or off, if it is one of the person's choices."""
    if category not in (await read_choices(tx, use.contact)).categories:
        return
    await _say(tx, use, category, PAGE, wanted=wanted)
    preference = await tx.preferences.find(
        use.contact.brand_id, use.contact.person_id, use.contact.channel, category
    )
    if wanted and preference is not None and not preference.enabled:
        await _enable(tx, use, preference)


async def choose_everything(tx: Transaction, use: LinkUse, *, wanted: bool) -> None:
    """Switches everything that is not transactional off, or on again as far as it was the person
    who had switched it off."""
    if not wanted:
        await _leave_everything(tx, use, PAGE)
        return
    suppression = await _suppression(tx, use.contact)
    if suppression is None or suppression.reason is not SuppressionReason.UNSUBSCRIBE:
        return
    await tx.suppressions.lift(suppression.id, use.now)
    await note(
        tx, use.caller, use.contact.brand_id, AuditAction.SUPPRESSION_LIFTED, suppression.id,
        channel=use.contact.channel, reason=suppression.reason.value,
    )  # fmt: skip


async def _wants(tx: Transaction, contact: LinkedContact, category: str) -> bool:
    key = ContactKey(contact.brand_id, contact.person_id, contact.channel, category)
    preference = await tx.preferences.find(key.brand_id, key.person_id, key.channel, category)
    consented = (await find_consent(tx, key)).consented
    return consented and (preference is None or preference.enabled)


async def _say(tx: Transaction, use: LinkUse, category: str, source: str, *, wanted: bool) -> None:
    key = use.key(category)
    said = await tx.consents.find(key.brand_id, key.person_id, key.channel, category)
    if said is not None and said.opted_in == wanted:
        # Whoever has the link must not be able to fill the log.
        return
    await record_consent(tx, key, source, use.now, opted_in=wanted)
    action = AuditAction.CONSENT_PUT if wanted else AuditAction.UNSUBSCRIBED
    about = {"channel": key.channel, "category": category}
    await note(tx, use.caller, key.brand_id, action, key.person_id, **about)


async def _enable(tx: Transaction, use: LinkUse, preference: Preference) -> None:
    enabled = Preference(
        id=preference.id,
        brand_id=preference.brand_id,
        person_id=preference.person_id,
        channel=preference.channel,
        category=preference.category,
        enabled=True,
        created_at=preference.created_at,
        updated_at=use.now,
    )
    await tx.preferences.put_many([enabled])
    about = {"channel": enabled.channel, "category": enabled.category, "enabled": True}
    action = AuditAction.PREFERENCE_PUT
    await note(tx, use.caller, enabled.brand_id, action, enabled.person_id, **about)


async def _leave_everything(tx: Transaction, use: LinkUse, source: str) -> None:
    contact = use.contact
    if await _suppression(tx, contact) is not None:
        # Held back already, for this reason or a stronger one.
        return
    suppression = Suppression(
        id=new_id(),
        brand_id=contact.brand_id,
        channel=contact.channel,
        address=contact.address,
        reason=SuppressionReason.UNSUBSCRIBE,
        source=source,
        created_at=use.now,
    )
    await tx.suppressions.put_many([suppression])
    about = {"channel": contact.channel, "suppression_id": suppression.id}
    action = AuditAction.UNSUBSCRIBED
    await note(tx, use.caller, contact.brand_id, action, contact.person_id, **about)


async def _suppression(tx: Transaction, contact: LinkedContact) -> Suppression | None:
    return await tx.suppressions.find_address(contact.brand_id, contact.channel, contact.address)
