"""Reads suppressions."""

from __future__ import annotations

from server.domain.access import Caller
from server.domain.contacts.addresses import check_address
from server.domain.paging import Page, make_page, read_page_request
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.suppressions import Suppression, SuppressionReason


async def find_suppression(
    tx: Transaction, caller: Caller, brand_id: str, channel: str, address: str
) -> Suppression | None:
    """The suppression of an address, which came in the field `email`; None if it has none that
    holds. Raises NotFound for a brand of others, ValidationFailed."""
    checks = Checks()
    address = check_address(checks, "email", channel, address)
    checks.finish()
    brand = caller.principal.brand_or_only(brand_id)
    return await tx.suppressions.find_address(brand, channel, address)


async def list_suppressions(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    channel: str | None,
    reason: SuppressionReason | None,
    page_size: int,
    page_token: str,
    *,
    include_lifted: bool,
) -> Page[Suppression]:
    """A page of a brand's suppressions, newest first. Raises NotFound, ValidationFailed."""
    brand = caller.principal.brand_or_only(brand_id)
    query = f"suppressions/{brand}/{channel or ''}/{reason or ''}/{include_lifted}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.suppressions.list_page(
        brand, channel, reason, page.after, page.size + 1, include_lifted=include_lifted
    )
    return make_page(rows, page, query, lambda suppression: suppression.id)
