"""Reading templates and their revisions."""

from __future__ import annotations

from server.domain.access import Caller
from server.domain.errors import NotFound, ValidationFailed
from server.domain.paging import Page, make_page, read_page_request
from storage.contract.storage import Transaction
from storage.model.templates import Template


async def get_template(
    tx: Transaction, caller: Caller, brand_id: str, channel: str, template_key: str, revision: int
) -> Template:
    """The revision; 0 is the latest. Raises NotFound, ValidationFailed."""
    brand = caller.principal.brand_or_only(brand_id)
    template = await tx.templates.find(brand, channel, template_key, revision or None)
    if template is None:
        raise NotFound("template")
    return template


async def list_template_revisions(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    channel: str,
    template_key: str,
    page_size: int,
    page_token: str,
) -> Page[Template]:
    """A page of revisions, newest first. Raises NotFound if there is none, ValidationFailed."""
    latest = await get_template(tx, caller, brand_id, channel, template_key, 0)
    query = f"templates/{latest.brand_id}/{channel}/{template_key}"
    page = read_page_request(page_size, page_token, query)
    after = None if page.after is None else _revision(page.after)
    rows = await tx.templates.list_revisions(
        latest.brand_id, channel, template_key, after, page.size + 1
    )
    return make_page(rows, page, query, lambda template: str(template.revision))


def _revision(key: str) -> int:
    """The key of a page token, which is opaque but not secret: a caller may have made one up."""
    if not key.isdecimal() or len(key) > 9:
        raise ValidationFailed.of("page_token", "is not a token of this list with these filters")
    return int(key)
