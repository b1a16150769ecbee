"""Rendering a template as a message would be, without sending it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from server.commands.templates.queries import get_template
from server.domain.access import Caller
from server.domain.contacts.addresses import check_person_id
from server.domain.errors import NotFound, ValidationFailed
from server.domain.templates.personalisation import render_context
from server.domain.templates.rendering import (
    Rendered,
    RenderError,
    compile_template,
)
from server.domain.templates.variables import find_violations
from server.domain.templates.variants import choose_variant, source_of
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.people import Person
from storage.model.templates import Template, TemplateVariant
from storage.model.values import JsonObject


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
