"""Creates a sequence."""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass

from server.commands.campaigns.content import require_template
from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.errors import ValidationFailed
from server.domain.templates.variables import find_violations
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.ids import new_id
from storage.model.programs import Sequence, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStep:
    """A step to create."""

    position: int
    channel: str
    template_key: str
    delay_minutes: int


async def create_sequence(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    name: str,
    description: str | None,
    steps: Many[NewStep],
) -> Sequence:
    """The new sequence. Raises NotFound for a brand of others, and ValidationFailed with every step
    whose template does not exist, is archived or needs variables, which a sequence has none of."""
    caller.principal.require_brand(brand_id)
    checks = Checks()
    for index, step in enumerate(steps):
        await _check_template(tx, checks, brand_id, f"steps[{index}].template_key", step)
    checks.finish()
    sequence = Sequence(
        id=new_id(),
        brand_id=brand_id,
        name=name,
        description=description,
        created_by=caller.principal.subject,
        created_at=caller.now,
        updated_at=caller.now,
        steps=tuple(map(_step, sorted(steps, key=lambda step: step.position))),
    )
    await tx.sequences.insert(sequence)
    await note(
        tx, caller, brand_id, AuditAction.SEQUENCE_CREATED, sequence.id, steps=len(sequence.steps)
    )
    return sequence


async def _check_template(
    tx: Transaction, checks: Checks, brand_id: str, field: str, step: NewStep
) -> None:
    try:
        version = await require_template(tx, brand_id, step.channel, step.template_key, field=field)
    except ValidationFailed as error:
        checks.add_all(error.violations)
        return
    for violation in find_violations(version.variables, {}):
        name = violation.field.removeprefix("variables.")
        checks.add(field, f"needs the variable {name}, and a sequence gives none")


def _step(new: NewStep) -> Step:
    return Step(
        id=new_id(),
        position=new.position,
        channel=new.channel,
        template_key=new.template_key,
        delay_minutes=new.delay_minutes,
    )
