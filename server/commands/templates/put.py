"""Adding a revision of a template."""

from __future__ import annotations

from dataclasses import dataclass, replace

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.errors import ValidationFailed
from server.domain.templates.inference import infer_variables
from server.domain.templates.rendering import (
    CompiledTemplate,
    TemplateSource,
    TemplateSyntaxError,
    compile_template,
)
from server.domain.templates.variables import MAX_VARIABLES, check_schema
from server.domain.templates.variants import canonical_locale
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.channels import Channel
from storage.model.templates import Template, TemplateVariable, TemplateVariant

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
