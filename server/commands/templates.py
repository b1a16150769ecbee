"""Templates: putting a revision, reading, previewing."""

from __future__ import annotations

from dataclasses import replace

from server.domain.access import Caller
from server.domain.channels import Channel
from server.domain.errors import NotFound, ValidationFailed
from server.domain.paging import Page, make_page, read_page_request
from server.domain.personalisation import render_context
from server.domain.rendering import Rendered, RenderError, Source, TemplateSyntaxError, compile_template
from server.domain.validation import BODY_LENGTH, ID_LENGTH, SUBJECT_LENGTH, Checks
from storage.interface import Transaction
from storage.records import JsonObject, Template


async def put_template(tx: Transaction, caller: Caller, template: Template) -> Template:
    """Adds the template as the next revision. Raises NotFound for a brand of others, ValidationFailed for bad fields or bad Liquid."""
    checks = Checks()
    checks.line("brand_id", template.brand_id, ID_LENGTH)
    checks.template_key("template_key", template.template_key)
    checks.line("subject", template.subject or "", SUBJECT_LENGTH, required=False)
    checks.text("body", template.body, BODY_LENGTH)
    if template.html is not None:
        checks.text("html", template.html, BODY_LENGTH)
        checks.require(template.channel == Channel.EMAIL, "html", "only email has an HTML body")
    checks.finish()
    caller.principal.require_brand(template.brand_id)
    try:
        compile_template(Source(template.subject, template.body, template.html))
    except TemplateSyntaxError as error:
        raise ValidationFailed.of(error.field, str(error)) from None
    return await tx.templates.append(replace(template, created_by=caller.principal.subject, created_at=caller.now))


async def get_template(tx: Transaction, caller: Caller, brand_id: str, channel: str, template_key: str, revision: int) -> Template:
    """The revision; 0 is the latest. Raises NotFound, ValidationFailed."""
    brand = caller.principal.brand_or_only(brand_id)
    if revision < 0:
        raise ValidationFailed.of("revision", "must not be negative")
    template = await tx.templates.find(brand, channel, template_key, revision or None)
    if template is None:
        raise NotFound("template")
    return template


async def list_template_revisions(
    tx: Transaction, caller: Caller, brand_id: str, channel: str, template_key: str, page_size: int, page_token: str
) -> Page[Template]:
    """A page of revisions, newest first. Raises NotFound if there is none, ValidationFailed."""
    latest = await get_template(tx, caller, brand_id, channel, template_key, 0)
    query = f"templates/{latest.brand_id}/{channel}/{template_key}"
    page = read_page_request(page_size, page_token, query)
    after = None if page.after is None else _revision(page.after)
    rows = await tx.templates.list_revisions(latest.brand_id, channel, template_key, after, page.size + 1)
    return make_page(rows, page, query, lambda template: str(template.revision))


async def preview_template(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    channel: str,
    template_key: str,
    revision: int,
    variables: JsonObject,
    person_id: str,
) -> tuple[Template, Rendered]:
    """Renders as a message would be. Raises NotFound, or ValidationFailed if it cannot be rendered with these variables."""
    checks = Checks()
    checks.json_object("variables", variables)
    checks.finish()
    template = await get_template(tx, caller, brand_id, channel, template_key, revision)
    person = await tx.people.find(template.brand_id, person_id) if person_id else None
    if person_id and person is None:
        raise NotFound("person")
    compiled = compile_template(Source(template.subject, template.body, template.html))
    try:
        return template, compiled.render(render_context(template.brand_id, person, {}, variables))
    except RenderError as error:
        raise ValidationFailed.of("variables", str(error)) from None


def _revision(key: str) -> int:
    """The key of a page token, which is opaque but not secret: a caller may have made one up."""
    if not key.isdecimal() or len(key) > 9:
        raise ValidationFailed.of("page_token", "is not a token of this list with these filters")
    return int(key)
