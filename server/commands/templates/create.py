"""Creates a template."""

from __future__ import annotations

from dataclasses import dataclass

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.errors import TemplateExists
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.ids import new_id
from storage.model.templates import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTemplate:
    """A template to create."""

    brand_id: str
    channel: str
    template_key: str
    description: str | None = None
    category: str | None = None


async def create_template(tx: Transaction, caller: Caller, new: NewTemplate) -> Template:
    """Creates the template, without a version. Raises NotFound for a brand of others,
    TemplateExists."""
    caller.principal.require_brand(new.brand_id)
    template = Template(
        id=new_id(),
        brand_id=new.brand_id,
        channel=new.channel,
        template_key=new.template_key,
        description=new.description,
        category=new.category,
        created_by=caller.principal.subject,
        created_at=caller.now,
        updated_at=caller.now,
    )
    if not await tx.templates.insert(template):
        raise TemplateExists
    await note(
        tx,
        caller,
        template.brand_id,
        AuditAction.TEMPLATE_CREATED,
        template.id,
        channel=template.channel,
        key=template.template_key,
    )
    return template
