"""Renders a version of a template as a message would be, without sending it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from server.commands.templates.queries import get_version
from server.domain.access import Caller
from server.domain.contacts.addresses import check_person_id
from server.domain.errors import NotFound, ValidationFailed
from server.domain.templates.personalisation import render_context
from server.domain.templates.rendering import Rendered, RenderError, compile_template
from server.domain.templates.variables import find_missing, find_mistyped, find_violations
from server.domain.templates.variants import choose_variant, source_of
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.people import Person
from storage.model.templates import TemplateVariant, TemplateVersion
from storage.model.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """What to render. An empty version is the current one; an empty person or locale is none."""

    template_id: str
    payload: JsonObject
    strict: bool
    version_id: str
    person_id: str
    locale: str


@dataclass(frozen=True, slots=True)
class Rendering:
    """A version, whom to render it for, in which language, with what and when."""

    version: TemplateVersion
    variant: TemplateVariant | None
    person: Person | None
    payload: JsonObject
    missing: list[str]
    """Required variables that the payload does not have; they print nothing."""
    now: datetime

    def render(self) -> Rendered:
        """Renders as a message would be; may take a second. Raises ValidationFailed if it cannot be
        rendered with this payload."""
        version = self.version
        context = render_context(
            version.brand_id, self.person, schema=version.variables, variables=self.payload
        )
        try:
            return compile_template(source_of(version, self.variant)).render(context, self.now)
        except RenderError as error:
            raise ValidationFailed.of("payload", str(error)) from None


async def find_rendering(tx: Transaction, caller: Caller, wanted: RenderRequest) -> Rendering:
    """What to render: in the locale asked for, or else the person's. Raises NotFound, or
    ValidationFailed for variables that a message would be refused for; unless it is strict, not for
    those that are missing."""
    checks = Checks()
    checks.json_object("payload", wanted.payload)
    person_id = check_person_id(checks, "person_id", wanted.person_id) if wanted.person_id else None
    checks.finish()
    version = await get_version(tx, caller, wanted.template_id, wanted.version_id)
    person = await tx.people.find(version.brand_id, person_id) if person_id else None
    if person_id and person is None:
        raise NotFound("person")
    find = find_violations if wanted.strict else find_mistyped
    if violations := find(version.variables, wanted.payload, "payload"):
        raise ValidationFailed(violations)
    variant = choose_variant(version.variants, wanted.locale or (person.locale if person else None))
    return Rendering(
        version,
        variant,
        person,
        wanted.payload,
        find_missing(version.variables, wanted.payload),
        caller.now,
    )
