"""Puts a revision of a template; reads and previews templates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.contacts.addresses import check_person_id
from server.domain.errors import NotFound, ValidationFailed
from server.domain.paging import Page, make_page, read_page_request
from server.domain.templates.inference import infer_variables
from server.domain.templates.personalisation import render_context
from server.domain.templates.rendering import (
    CompiledTemplate,
    Rendered,
    RenderError,
    TemplateSource,
    TemplateSyntaxError,
    compile_template,
)
from server.domain.templates.variables import MAX_VARIABLES, check_schema, find_violations
from server.domain.templates.variants import canonical_locale, choose_variant, source_of
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.channels import Channel
from storage.model.people import Person
from storage.model.templates import Template, TemplateVariable, TemplateVariant
from storage.model.values import JsonObject

MAX_TEMPLATE_CHARACTERS = 1024 * 1024
"""Longest source of a template in all its languages together: it is compiled whole when it is
put."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTemplate:
    """A revision to put."""

    brand_id: str
    channel: str
    template_key: str
    subject: str | None
    body: str
    html: str | None
    variables: tuple[TemplateVariable, ...] = ()
    """None: those that are found in the texts."""
    variables_inferred: bool = False
    """Whether they were found there, once it is prepared."""
    variants: tuple[TemplateVariant, ...] = ()


def prepare_template(template: NewTemplate) -> NewTemplate:
    """The template as it will be stored: locales in canonical case, and variables found in it if
    none are given.

    Pure, and may take seconds, so not for a transaction or the event loop. Raises ValidationFailed
    with everything that is wrong: bad fields, or else bad Liquid.
    """
    variants = tuple(
        replace(variant, locale=canonical_locale(variant.locale)) for variant in template.variants
    )
    template = replace(template, variants=variants)
    _check_fields(template)
    compiled = _compile_all(template)
    if template.variables:
        return template
    found = infer_variables(compiled)
    if len(found) > MAX_VARIABLES:
        raise ValidationFailed.of(
            "variables", f"must be at most {MAX_VARIABLES}; the template names {len(found)}"
        )
    return replace(template, variables=found, variables_inferred=True)


async def put_template(tx: Transaction, caller: Caller, prepared: NewTemplate) -> Template:
    """Adds a prepared template as the next revision. Raises NotFound for a brand of others."""
    caller.principal.require_brand(prepared.brand_id)
    put = await tx.templates.append(
        Template(
            brand_id=prepared.brand_id,
            channel=prepared.channel,
            template_key=prepared.template_key,
            revision=0,  # storage numbers it
            subject=prepared.subject,
            body=prepared.body,
            html=prepared.html,
            variables=prepared.variables,
            variables_inferred=prepared.variables_inferred,
            variants=prepared.variants,
            created_by=caller.principal.subject,
            created_at=caller.now,
        )
    )
    await note(
        tx,
        caller,
        put.brand_id,
        AuditAction.TEMPLATE_PUT,
        f"{put.channel}/{put.template_key}",
        revision=put.revision,
    )
    return put


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRequest:
    """What to preview. Revision 0 is the latest; an empty person or locale is none."""

    brand_id: str
    channel: str
    template_key: str
    revision: int
    variables: JsonObject
    person_id: str
    locale: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A template, whom to render it for, in which language, with what and when."""

    template: Template
    variant: TemplateVariant | None
    person: Person | None
    variables: JsonObject
    now: datetime

    def render(self) -> Rendered:
        """Renders as a message would be; may take a second. Raises ValidationFailed if it cannot be
        rendered with these variables."""
        template = self.template
        context = render_context(
            template.brand_id, self.person, schema=template.variables, variables=self.variables
        )
        try:
            return compile_template(source_of(template, self.variant)).render(context, self.now)
        except RenderError as error:
            raise ValidationFailed.of("variables", str(error)) from None


async def find_preview(tx: Transaction, caller: Caller, wanted: PreviewRequest) -> Preview:
    """What to render: in the locale asked for, or else the person's. Raises NotFound, or
    ValidationFailed for variables that a message would be refused for."""
    checks = Checks()
    checks.json_object("variables", wanted.variables)
    person_id = check_person_id(checks, "person_id", wanted.person_id) if wanted.person_id else None
    checks.finish()
    template = await get_template(
        tx, caller, wanted.brand_id, wanted.channel, wanted.template_key, wanted.revision
    )
    person = await tx.people.find(template.brand_id, person_id) if person_id else None
    if person_id and person is None:
        raise NotFound("person")
    if violations := find_violations(template.variables, wanted.variables):
        raise ValidationFailed(violations)
    variant = choose_variant(
        template.variants, wanted.locale or (person.locale if person else None)
    )
    return Preview(template, variant, person, wanted.variables, caller.now)


def _check_fields(template: NewTemplate) -> None:
    checks = Checks()
    check_schema(checks, template.variables)
    for index, variant in enumerate(template.variants):
        checks.require(
            template.channel == Channel.EMAIL or not variant.html,
            f"variants[{index}].html",
            "is for email alone",
        )
    checks.finish()
    if (
        sum(
            len(text or "")
            for texts in _texts(template)
            for text in (texts.subject, texts.body, texts.html)
        )
        > MAX_TEMPLATE_CHARACTERS
    ):
        raise ValidationFailed.of(
            "variants", f"all texts together must be at most {MAX_TEMPLATE_CHARACTERS} characters"
        )


def _compile_all(template: NewTemplate) -> list[CompiledTemplate]:
    """The default texts and every variant. Raises ValidationFailed with the first mistake of
    each."""
    checks = Checks()
    compiled = []
    for index, texts in enumerate(_texts(template), start=-1):
        prefix = "" if index < 0 else f"variants[{index}]."
        try:
            compiled.append(compile_template(TemplateSource(texts.subject, texts.body, texts.html)))
        except TemplateSyntaxError as error:
            checks.add(f"{prefix}{error.field}", f"{prefix}{error}")
    checks.finish()
    return compiled


def _texts(template: NewTemplate) -> list[NewTemplate | TemplateVariant]:
    return [template, *template.variants]


def _revision(key: str) -> int:
    """The key of a page token, which is opaque but not secret: a caller may have made one up."""
    if not key.isdecimal() or len(key) > 9:
        raise ValidationFailed.of("page_token", "is not a token of this list with these filters")
    return int(key)
