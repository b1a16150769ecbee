"""Gives the rest of a paused send a newer version of a template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from server.commands.campaigns.content import require_template
from server.commands.operations.audit import note
from server.commands.sends.access import found_send, send_for
from server.domain.access import Caller
from server.domain.errors import BadState, ValidationFailed
from server.domain.templates.variables import find_violations
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.programs import Step
from storage.model.sends import Send, SendStatus
from storage.model.templates import TemplateVersion

_FIELD = "version_id"


async def change_send_version(
    tx: Transaction, caller: Caller, send_id: str, version_id: str
) -> tuple[Send, TemplateVersion]:
    """Gives steps of the send whose template it is of, where they have an older one, another
    version: for messages that no call was begun for, and those still to be made. Returns the send
    as it is then.

    Raises NotFound, BadState unless the send is paused, and ValidationFailed for a version that is
    of no template of it or not newer, that the variables of a step do not fit, or whose template is
    archived.
    """
    send = await send_for(tx, caller, send_id, lock=True)
    if send.status is not SendStatus.SENDING:
        raise BadState("send", send.status, f"cannot change a send that is {send.status}")
    if send.paused_at is None:
        raise BadState("send", send.status, "cannot change a send that is not paused")
    steps = await tx.steps.list_of(send.campaign_id)
    version = await _require_version(tx, send, version_id)
    older = _older(steps or (_only_step(send),), version)
    for step in older if steps else ():
        newer = replace(step, template_revision=version.revision, template_version_id=version.id)
        await tx.steps.replace(newer)
    is_of_send = _is_of(version, send) and send.template_revision < version.revision
    revision = version.revision if is_of_send else send.template_revision
    await tx.sends.change_revision(send.id, revision)
    details = {"version_id": version.id, "version_number": version.revision}
    await note(tx, caller, send.brand_id, AuditAction.SEND_VERSION_CHANGED, send.id, **details)
    return await found_send(tx, send.id), version


async def _require_version(tx: Transaction, send: Send, version_id: str) -> TemplateVersion:
    version = await tx.templates.find_version_by_id(version_id)
    if version is None or version.brand_id != send.brand_id:
        raise ValidationFailed.of(_FIELD, "is no version of a template of this send")
    # Of one that is archived nothing is pinned any more.
    await require_template(
        tx, version.brand_id, version.channel, version.template_key, field=_FIELD
    )
    return version


def _older(steps: Sequence[Step], version: TemplateVersion) -> list[Step]:
    """The steps of the version's template that have an older one. Raises ValidationFailed."""
    of_template = [step for step in steps if _is_of(version, step)]
    older = [step for step in of_template if step.template_revision < version.revision]
    checks = Checks()
    checks.require(bool(of_template), _FIELD, "is no version of a template of this send")
    if of_template and not older:
        checks.add(_FIELD, "is not newer than the version that the send has")
    for step in older:
        for violation in find_violations(version.variables, step.variables):
            checks.add(_FIELD, f"does not fit the send: {violation.field} {violation.message}")
    checks.finish()
    return older


def _is_of(version: TemplateVersion, said_by: Step | Send) -> bool:
    named = (said_by.channel, said_by.template_key)
    return named == (version.channel, version.template_key)


def _only_step(send: Send) -> Step:
    return Step(
        id=send.id,
        position=0,
        channel=send.channel,
        template_key=send.template_key,
        template_revision=send.template_revision,
        delay_minutes=0,
        variables=send.variables,
    )
