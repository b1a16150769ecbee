"""Archives a template."""

from __future__ import annotations

from dataclasses import replace

from server.commands.operations.audit import note
from server.commands.templates.queries import get_template
from server.domain.access import Caller
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.templates import Template


async def archive_template(tx: Transaction, caller: Caller, template_id: str) -> Template:
    """Archives the template; one that is archived stays as it is. Raises NotFound."""
    template = await get_template(tx, caller, template_id, lock=True)
    if template.archived_at is not None:
        return template
    archived = replace(template, archived_at=caller.now, updated_at=caller.now)
    await tx.templates.replace(archived)
    await note(tx, caller, archived.brand_id, AuditAction.TEMPLATE_ARCHIVED, archived.id)
    return archived
