"""Reads and checks what people agreed to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from server.commands.consents.key import ContactKey
from server.commands.operations.brand_policy import policy_of
from server.commands.people.queries import checked_person_id
from server.domain.access import Caller
from server.domain.paging import Page, make_page, read_page_request
from storage.contract.storage import Transaction
from storage.model.consents import Consent, ConsentDefault


class ConsentReason(StrEnum):
    """Why consent lets something pass or not."""

    TRANSACTIONAL_BYPASS = "transactional_bypass"
    OPTED_IN = "opted_in"
    NO_CONSENT_ROW = "no_consent_row"
    """They said nothing: the policy decides."""
    OPTED_OUT = "opted_out"


@dataclass(frozen=True, slots=True)
class ConsentCheck:
    """Whether consent lets something pass."""

    consented: bool
    reason: ConsentReason
    consent: Consent | None = None
    """What the person said, where that decided."""


async def list_consents(
    tx: Transaction, caller: Caller, brand_id: str, person_id: str, page_size: int, page_token: str
) -> Page[Consent]:
    """A page of what a person said, newest first. Raises NotFound for a brand of others,
    ValidationFailed."""
    person_id = checked_person_id(person_id)
    brand = caller.principal.brand_or_only(brand_id)
    query = f"consents/{brand}/{person_id}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.consents.list_page(brand, person_id, page.after, page.size + 1)
    return make_page(rows, page, query, lambda consent: consent.id)


async def check_consent(tx: Transaction, caller: Caller, key: ContactKey) -> ConsentCheck:
    """Whether the person's consent lets the category pass on the channel. Raises NotFound for a
    brand of others, ValidationFailed."""
    return await find_consent(tx, key.checked(caller))


async def find_consent(tx: Transaction, key: ContactKey) -> ConsentCheck:
    """The same for a key that is checked."""
    policy = await policy_of(tx, key.brand_id)
    if policy.is_transactional(key.category):
        return ConsentCheck(consented=True, reason=ConsentReason.TRANSACTIONAL_BYPASS)
    consent = await tx.consents.find(key.brand_id, key.person_id, key.channel, key.category)
    if consent is None:
        consented = policy.consent_default(key.channel) is ConsentDefault.OPT_OUT
        return ConsentCheck(consented, ConsentReason.NO_CONSENT_ROW)
    reason = ConsentReason.OPTED_IN if consent.opted_in else ConsentReason.OPTED_OUT
    return ConsentCheck(consent.opted_in, reason, consent)
