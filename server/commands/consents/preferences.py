"""Sets and reads what people want."""

from __future__ import annotations

from server.commands.consents.key import ContactKey
from server.commands.operations.audit import note
from server.commands.people.queries import checked_person_id
from server.domain.access import Caller
from server.domain.paging import Page, make_page, read_page_request
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.ids import new_id
from storage.model.preferences import Preference


async def put_preference(
    tx: Transaction, caller: Caller, key: ContactKey, *, enabled: bool
) -> Preference:
    """Sets whether the person wants it. Raises NotFound for a brand of others, ValidationFailed."""
    key = key.checked(caller)
    preference = Preference(
        id=new_id(),
        brand_id=key.brand_id,
        person_id=key.person_id,
        channel=key.channel,
        category=key.category,
        enabled=enabled,
        created_at=caller.now,
        updated_at=caller.now,
    )
    await tx.preferences.put_many([preference])
    stored = await tx.preferences.find(key.brand_id, key.person_id, key.channel, key.category)
    assert stored is not None, "it was put in this transaction"
    await note(
        tx,
        caller,
        key.brand_id,
        AuditAction.PREFERENCE_PUT,
        key.person_id,
        enabled=enabled,
        channel=key.channel,
        category=key.category,
    )
    return stored


async def list_preferences(
    tx: Transaction, caller: Caller, brand_id: str, person_id: str, page_size: int, page_token: str
) -> Page[Preference]:
    """A page of what a person set, newest first. Raises NotFound for a brand of others,
    ValidationFailed."""
    person_id = checked_person_id(person_id)
    brand = caller.principal.brand_or_only(brand_id)
    query = f"preferences/{brand}/{person_id}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.preferences.list_page(brand, person_id, page.after, page.size + 1)
    return make_page(rows, page, query, lambda preference: preference.id)
