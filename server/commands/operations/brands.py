"""Creates, reads and changes brands; checks that those a token names exist."""

from __future__ import annotations

from collections.abc import Iterable

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.errors import BrandExists, NotFound, UnknownBrand
from server.domain.paging import Page, make_page, read_page_request
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.brands import Brand


async def create_brand(tx: Transaction, caller: Caller, brand_id: str, name: str) -> Brand:
    """Creates the brand. Raises BrandExists."""
    brand = Brand(
        id=brand_id,
        name=name,
        created_by=caller.principal.subject,
        created_at=caller.now,
        updated_at=caller.now,
    )
    if not await tx.brands.insert(brand):
        raise BrandExists
    await note(tx, caller, brand.id, AuditAction.BRAND_CREATED, brand.id, name=name)
    return brand


async def get_brand(tx: Transaction, _: Caller, brand_id: str) -> Brand:
    """The brand. Raises NotFound."""
    brand = await tx.brands.find(brand_id)
    if brand is None:
        raise NotFound("brand")
    return brand


async def list_brands(
    tx: Transaction, _: Caller, prefix: str, page_size: int, page_token: str
) -> Page[Brand]:
    """A page of the brands whose id begins so, by id. Raises ValidationFailed."""
    query = f"brands/{prefix}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.brands.list_page(prefix, page.after, page.size + 1)
    return make_page(rows, page, query, lambda brand: brand.id)


async def update_brand(tx: Transaction, caller: Caller, brand_id: str, name: str) -> Brand:
    """Gives the brand another name. Raises NotFound."""
    brand = await tx.brands.rename(brand_id, name, caller.now)
    if brand is None:
        raise NotFound("brand")
    await note(tx, caller, brand.id, AuditAction.BRAND_UPDATED, brand.id, name=name)
    return brand


async def require_brands(tx: Transaction, brand_ids: Iterable[str]) -> None:
    """Raises UnknownBrand for the first that does not exist."""
    wanted = set(brand_ids)
    if missing := wanted - await tx.brands.find_existing(wanted):
        raise UnknownBrand(min(missing))
