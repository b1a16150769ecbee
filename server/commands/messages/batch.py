"""Accepts many one-off messages in one transaction, each with an outcome of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from server.commands.gate.rules import held_back
from server.commands.messages.gate import one_off_rule
from server.commands.messages.schedule import (
    NewMessage,
    accepted_by,
    check_new_message,
    judge_new_message,
    make_message,
    repeat_of,
    schedule_message,
)
from server.domain.access import Caller
from server.domain.contacts.addresses import check_person_id
from server.domain.contacts.own_address import own_address
from server.domain.errors import CarillonError, ValidationFailed
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.messages import Message
from storage.model.people import Person
from storage.model.templates import TemplateVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageOutcome:
    """What came of one message: it was accepted, now or before, or refused."""

    dedup_key: str
    message: Message | None = None
    known: bool = False
    """It was accepted before."""
    error: CarillonError | None = None


class _Batch:
    """Outcomes by place, as they become known."""

    def __init__(self, size: int) -> None:
        self.outcomes: list[MessageOutcome | None] = [None] * size

    def refuse(self, place: int, new: NewMessage, error: CarillonError) -> None:
        self.outcomes[place] = MessageOutcome(dedup_key=new.dedup_key, error=error)

    def accept(self, place: int, message: Message, *, known: bool = False) -> None:
        assert message.dedup_key is not None
        self.outcomes[place] = MessageOutcome(
            dedup_key=message.dedup_key, message=message, known=known
        )


async def schedule_messages(
    tx: Transaction, caller: Caller, brand_id: str, given: Sequence[NewMessage]
) -> list[MessageOutcome]:
    """Accepts each message as `schedule_message` does; one that is refused does not keep the others
    from being accepted. An empty recipient is the person's own address. Raises NotFound for a brand
    of others.

    A few statements for all of them; only what is refused, what others changed at the same time and
    what is in the batch twice takes statements of its own.
    """
    caller.principal.require_brand(brand_id)
    batch = _Batch(len(given))
    good = await _with_addresses(tx, caller, brand_id, given, batch)
    known = await tx.messages.find_by_dedup_keys(brand_id, [new.dedup_key for new in good.values()])
    for place, new in list(good.items()):
        if new.dedup_key in known:
            _repeat(batch, place, known[new.dedup_key], good.pop(place), caller)
    templates = await _templates(tx, good.values())
    refused = await _held_back(tx, brand_id, good)
    made = {
        place: make_message(caller, new, template.revision)
        for place, new in good.items()
        if place not in refused
        and (template := templates.get((new.channel, new.template_key))) is not None
        and not judge_new_message(caller, new, template.variables).count
    }
    by = [accepted_by(caller)] * len(made)
    added = await tx.messages.insert_one_offs(list(made.values()), by) if made else set()
    for place, new in good.items():
        if place in made and made[place].id in added:
            batch.accept(place, made[place])
        else:
            await _schedule(tx, caller, batch, place, new)
    return [outcome for outcome in batch.outcomes if outcome is not None]


async def _with_addresses(
    tx: Transaction, caller: Caller, brand_id: str, given: Sequence[NewMessage], batch: _Batch
) -> dict[int, NewMessage]:
    """Those of the messages that have a person and an address, in normal form, by place."""
    ids = {check_person_id(Checks(), "", new.person_id) for new in given if not new.recipient}
    people = await tx.people.find_many(brand_id, list(ids)) if ids else {}
    good = {}
    for place, new in enumerate(given):
        try:
            good[place] = check_new_message(caller, _addressed(new, people))
        except CarillonError as error:
            batch.refuse(place, new, error)
    return good


def _addressed(new: NewMessage, people: dict[str, Person]) -> NewMessage:
    """The message to the person's own address if it says none. Raises ValidationFailed if there is
    none."""
    if new.recipient:
        return new
    person = people.get(check_person_id(Checks(), "", new.person_id))
    address = None if person is None else own_address(person, new.channel)
    if address is None:
        known = "is not known" if person is None else "has no address on the channel"
        raise ValidationFailed.of("recipient", f"is required: the person {known}")
    return replace(new, recipient=address, to_own_address=True)


async def _templates(
    tx: Transaction, messages: Iterable[NewMessage]
) -> dict[tuple[str, str], TemplateVersion]:
    """The current versions of the templates of the messages, by channel and key."""
    wanted = {(new.brand_id, new.channel, new.template_key) for new in messages}
    found = {key[1:]: await tx.templates.find_version(*key) for key in sorted(wanted)}
    return {key: template for key, template in found.items() if template is not None}


async def _held_back(tx: Transaction, brand_id: str, good: Mapping[int, NewMessage]) -> set[int]:
    """Places of the messages that must not go to their person or address."""
    places = defaultdict(list)
    for place, new in good.items():
        places[new.channel, new.template_key].append(place)
    found: set[int] = set()
    for (channel, template_key), of_template in places.items():
        rule = await one_off_rule(tx, brand_id, channel, template_key)
        contacts = {place: (good[place].person_id, good[place].recipient) for place in of_template}
        blocked = await held_back(tx, rule, list(contacts.values()))
        found.update(place for place, contact in contacts.items() if contact in blocked)
    return found


def _repeat(batch: _Batch, place: int, first: Message, new: NewMessage, caller: Caller) -> None:
    try:
        batch.accept(place, repeat_of(first, new, caller.now), known=True)
    except CarillonError as error:
        batch.refuse(place, new, error)


async def _schedule(
    tx: Transaction, caller: Caller, batch: _Batch, place: int, new: NewMessage
) -> None:
    first = await tx.messages.find_by_dedup_key(new.brand_id, new.dedup_key)
    if first is not None:
        _repeat(batch, place, first, new, caller)
        return
    try:
        batch.accept(place, await schedule_message(tx, caller, new))
    except CarillonError as error:
        batch.refuse(place, new, error)
