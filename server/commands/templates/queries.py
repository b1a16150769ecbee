"""Reads templates and their versions."""

from __future__ import annotations

from server.domain.access import Caller
from server.domain.errors import NotFound, ValidationFailed
from server.domain.paging import Page, is_large, make_page, read_page_request
from storage.contract.storage import Transaction
from storage.model.templates import Template, TemplateFilter, TemplateVersion

VERSIONS_AT_ONCE = 8


async def get_template(
    tx: Transaction, caller: Caller, template_id: str, *, lock: bool = False
) -> Template:
    """The template. Raises NotFound."""
    template = await tx.templates.find(template_id, lock=lock)
    if template is None or not caller.principal.owns(template.brand_id):
        raise NotFound("template")
    return template


async def list_templates(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    where: TemplateFilter,
    page_size: int,
    page_token: str,
) -> Page[Template]:
    """A page of a brand's templates, by channel and key. Raises NotFound, ValidationFailed."""
    brand = caller.principal.brand_or_only(brand_id)
    query = f"templates/{brand}/{where}"
    page = read_page_request(page_size, page_token, query)
    after = None if page.after is None else _place(page.after)
    rows = await tx.templates.list_page(brand, where, after, page.size + 1)
    return make_page(rows, page, query, lambda each: f"{each.channel}/{each.template_key}")


async def get_version(
    tx: Transaction, caller: Caller, template_id: str, version_id: str
) -> TemplateVersion:
    """A version of the template; an empty id is that of the current one. Raises NotFound."""
    template = await get_template(tx, caller, template_id)
    wanted = version_id or template.current_version_id
    version = await tx.templates.find_version_by_id(wanted) if wanted else None
    if version is None or version.template_id != template.id:
        raise NotFound("template_version")
    return version


async def list_versions(
    tx: Transaction, caller: Caller, template_id: str, page_size: int, page_token: str
) -> Page[TemplateVersion]:
    """A page of a template's versions, newest first. Raises NotFound, ValidationFailed."""
    template = await get_template(tx, caller, template_id)
    query = f"template_versions/{template.id}"
    page = read_page_request(page_size, page_token, query)
    after = None if page.after is None else _revision(page.after)
    rows = await _page_of_versions(tx, template, after, page.size + 1)
    return make_page(rows, page, query, lambda version: str(version.revision))


async def _page_of_versions(
    tx: Transaction, template: Template, after: int | None, wanted: int
) -> list[TemplateVersion]:
    """As many versions as a page has room for, and one more; read a few at a time, since each may
    be megabytes."""
    rows: list[TemplateVersion] = []
    while len(rows) < wanted and not is_large(rows):
        few = await tx.templates.list_versions(
            template, after, min(VERSIONS_AT_ONCE, wanted - len(rows))
        )
        if not few:
            break
        rows += few
        after = few[-1].revision
    return rows


# The key of a page token is opaque but not secret: a caller may have made one up.


def _place(key: str) -> tuple[str, str]:
    channel, _, template_key = key.partition("/")
    return channel, template_key


def _revision(key: str) -> int:
    if not key.isdecimal() or len(key) > 9:
        raise ValidationFailed.of("page_token", "is not a token of this list with these filters")
    return int(key)
