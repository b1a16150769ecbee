"""Adds a version of a template."""

from __future__ import annotations

from dataclasses import dataclass, replace

from server.commands.operations.audit import note
from server.commands.templates.queries import get_template
from server.domain.access import Caller
from server.domain.errors import BadState, ValidationFailed
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
from storage.model.ids import new_id
from storage.model.templates import TemplateVariable, TemplateVariant, TemplateVersion

MAX_TEMPLATE_CHARACTERS = 1024 * 1024
"""Longest source of a template in all its languages together: it is compiled whole when a
version is added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version to add."""

    subject: str | None
    body: str
    html: str | None
    names: tuple[str, ...] = ()
    """Variables that are found in its texts, once it is prepared."""
    variables: tuple[TemplateVariable, ...] = ()
    """The schema; empty: the one that is inferred from the texts."""
    variables_inferred: bool = False
    """Whether it was, once it is prepared."""
    variants: tuple[TemplateVariant, ...] = ()


def prepare_version(channel: str, version: NewVersion) -> NewVersion:
    """The version as it will be stored in a template of the channel: locales in canonical case, the
    names that are found in it, and a schema inferred from it if none is given.

    Pure, and may take seconds, so not for a transaction or the event loop. Raises ValidationFailed
    with everything that is wrong: bad fields, or else bad Liquid.
    """
    variants = tuple(
        replace(variant, locale=canonical_locale(variant.locale)) for variant in version.variants
    )
    version = replace(version, variants=variants)
    _check_fields(channel, version)
    found = infer_variables(_compile_all(version))
    version = replace(version, names=tuple(variable.name for variable in found))
    if version.variables:
        return version
    if len(found) > MAX_VARIABLES:
        raise ValidationFailed.of(
            "variable_schema", f"must be at most {MAX_VARIABLES}; the template names {len(found)}"
        )
    return replace(version, variables=found, variables_inferred=True)


async def add_version(
    tx: Transaction, caller: Caller, template_id: str, prepared: NewVersion
) -> TemplateVersion:
    """Adds a prepared version, which becomes the current one. Raises NotFound, or BadState once the
    template is archived."""
    template = await get_template(tx, caller, template_id, lock=True)
    if template.archived_at is not None:
        raise BadState("template", "archived", "the template is archived: it takes no new version")
    added = await tx.templates.append(
        TemplateVersion(
            id=new_id(),
            template_id=template.id,
            brand_id=template.brand_id,
            channel=template.channel,
            template_key=template.template_key,
            revision=0,  # storage numbers it
            subject=prepared.subject,
            body=prepared.body,
            html=prepared.html,
            names=prepared.names,
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
        added.brand_id,
        AuditAction.TEMPLATE_VERSION_CREATED,
        template.id,
        version_id=added.id,
        version_number=added.revision,
    )
    return added


def _check_fields(channel: str, version: NewVersion) -> None:
    checks = Checks()
    check_schema(checks, version.variables)
    checks.require(channel == Channel.EMAIL or not version.html, "html", "is for email alone")
    for index, variant in enumerate(version.variants):
        checks.require(
            channel == Channel.EMAIL or not variant.html,
            f"variants[{index}].html",
            "is for email alone",
        )
    checks.finish()
    if (
        sum(
            len(text or "")
            for texts in _texts(version)
            for text in (texts.subject, texts.body, texts.html)
        )
        > MAX_TEMPLATE_CHARACTERS
    ):
        raise ValidationFailed.of(
            "variants", f"all texts together must be at most {MAX_TEMPLATE_CHARACTERS} characters"
        )


def _compile_all(version: NewVersion) -> list[CompiledTemplate]:
    """The default texts and every variant. Raises ValidationFailed with the first mistake of
    each."""
    checks = Checks()
    compiled = []
    for index, texts in enumerate(_texts(version), start=-1):
        prefix = "" if index < 0 else f"variants[{index}]."
        try:
            compiled.append(compile_template(TemplateSource(texts.subject, texts.body, texts.html)))
        except TemplateSyntaxError as error:
            checks.add(f"{prefix}{error.field}", f"{prefix}{error}")
    checks.finish()
    return compiled


def _texts(version: NewVersion) -> list[NewVersion | TemplateVariant]:
    return [version, *version.variants]
