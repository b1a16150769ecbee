"""Accepts a one-off message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from server.commands.campaigns.content import require_template
from server.commands.messages.gate import require_contactable
from server.domain.access import Caller
from server.domain.contacts.addresses import check_recipient
from server.domain.errors import KeyReused
from server.domain.fingerprint import fingerprint
from server.domain.templates.notice import find_unfit_variables
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.ids import new_id
from storage.model.messages import Accepted, Message
from storage.model.templates import TemplateVariable
from storage.model.values import JsonObject

AT_ONCE = timedelta(minutes=1)
"""A time no later than this after the request came means "at once"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message to accept."""

    brand_id: str
    person_id: str
    channel: str
    template_key: str
    recipient: str
    dedup_key: str
    variables: JsonObject
    hipaa: bool
    scheduled_at: datetime
    expire_at: datetime | None = None
    to_own_address: bool = False
    """The request left the recipient to what is known of the person: it is the same request however
    that changes."""

    @property
    def fingerprint(self) -> str:
        """Tells this request from another under the same key, but for the time that it is scheduled
        for, which the message has."""
        expiry = () if self.expire_at is None else (_in_utc(self.expire_at),)
        return fingerprint(
            self.person_id,
            self.channel,
            self.template_key,
            "" if self.to_own_address else self.recipient,
            self.variables,
            self.hipaa,
            *expiry,
        )


async def schedule_message(tx: Transaction, caller: Caller, new: NewMessage) -> Message:
    """Accepts the message, pinned to the template's latest revision, or finds the one the same
    request made before.

    The key is looked up before the times are judged: a repeat that comes after the message was due
    is still a repeat. Raises NotFound for a brand of others, KeyReused, ValidationFailed,
    Suppressed, NoConsent, PreferenceOff.
    """
    new = check_new_message(caller, new)
    known = await tx.messages.find_by_dedup_key(new.brand_id, new.dedup_key)
    if known is not None:
        return repeat_of(known, new, caller.now)
    template = await require_template(tx, new.brand_id, new.channel, new.template_key)
    checks = judge_new_message(caller, new, template.variables)
    checks.finish()
    contact = (new.person_id, new.recipient)
    await require_contactable(tx, new.brand_id, new.channel, new.template_key, contact)
    message = make_message(caller, new, template.revision)
    if await tx.messages.insert_unless_duplicate(message, accepted_by(caller)):
        return message
    first = await tx.messages.find_by_dedup_key(new.brand_id, new.dedup_key)
    assert first is not None, "the key was taken a moment ago"
    return repeat_of(first, new, caller.now)


def check_new_message(caller: Caller, new: NewMessage) -> NewMessage:
    """The message with its person and address in normal form, so that two spellings are one request
    under a dedup key.

    Raises ValidationFailed for a person, an address or variables that no message can have, NotFound
    for a brand of others.
    """
    checks = Checks()
    person_id, recipient = check_recipient(checks, new.channel, (new.person_id, new.recipient))
    checks.json_object("variables", new.variables)
    checks.finish()
    caller.principal.require_brand(new.brand_id)
    if (person_id, recipient) == (new.person_id, new.recipient):
        return new
    return replace(new, person_id=person_id, recipient=recipient)


def judge_new_message(
    caller: Caller, new: NewMessage, schema: Sequence[TemplateVariable]
) -> Checks:
    """What a new message is refused for, that a repeat of an old one is not: its time, and
    variables that do not fit the template."""
    checks = Checks()
    checks.schedule(new.scheduled_at, new.expire_at, caller.now)
    checks.add_all(find_unfit_variables(new.channel, schema, new.variables))
    return checks


def make_message(caller: Caller, new: NewMessage, revision: int) -> Message:
    """The row of a new message, pinned to a revision."""
    return Message(
        id=new_id(),
        brand_id=new.brand_id,
        person_id=new.person_id,
        channel=new.channel,
        template_key=new.template_key,
        template_revision=revision,
        recipient=new.recipient,
        dedup_key=new.dedup_key,
        fingerprint=new.fingerprint,
        variables=new.variables,
        hipaa=new.hipaa,
        scheduled_at=new.scheduled_at,
        # A past time is a slow clock's "now", and no misfire.
        due_at=max(new.scheduled_at, caller.now),
        expire_at=new.expire_at,
        created_at=caller.now,
    )


def accepted_by(caller: Caller) -> Accepted:
    """Who has the message accepted. It stands in its row instead of the audit log (decision 19)."""
    return Accepted(caller.principal.subject, caller.request_id)


def _in_utc(instant: datetime) -> str:
    return (instant if instant.tzinfo is UTC else instant.astimezone(UTC)).isoformat()


def repeat_of(known: Message, new: NewMessage, now: datetime) -> Message:
    """The message with the key of a request, if the same request made it. Raises KeyReused."""
    if known.fingerprint != new.fingerprint or not _is_same_time(known, new.scheduled_at, now):
        raise KeyReused("dedup_key", {"message_id": known.id})
    return known


def _is_same_time(known: Message, scheduled_at: datetime, now: datetime) -> bool:
    """Whether both name one instant, or both mean "at once": a retry is made with a new "now"."""
    at_once = known.scheduled_at <= known.created_at + AT_ONCE and scheduled_at <= now + AT_ONCE
    return at_once or scheduled_at == known.scheduled_at
