"""Gives the rest of a paused send a newer version of its template."""

from __future__ import annotations

from server.commands.campaigns.content import require_template
from server.commands.operations.audit import note
from server.commands.sends.access import found_send, send_for
from server.domain.access import Caller
from server.domain.errors import BadState, ValidationFailed
from server.domain.templates.variables import find_violations
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.sends import Send, SendStatus
from storage.model.templates import TemplateVersion

_FIELD = "version_id"


async def change_send_version(
    tx: Transaction, caller: Caller, send_id: str, version_id: str
) -> Send:
    """Gives messages of the send that no call was begun for, and those still to be made, another
    version. Returns the send as it is then.

    Raises NotFound, BadState unless the send is paused or if it enrolls people, and
    ValidationFailed for a version that is not of its template or not newer, that the send's
    variables do not fit, or whose template is archived.
    """
    send = await send_for(tx, caller, send_id, lock=True)
    if send.status is not SendStatus.SENDING:
        raise BadState("send", send.status, f"cannot change a send that is {send.status}")
    if send.paused_at is None:
        raise BadState("send", send.status, "cannot change a send that is not paused")
    if send.enrolls:
        raise BadState("send", send.status, "cannot change a send whose steps have versions each")
    version = await _newer_version(tx, send, version_id)
    await tx.sends.change_revision(send.id, version.revision)
    details = {"version_id": version.id, "version_number": version.revision}
    await note(tx, caller, send.brand_id, AuditAction.SEND_VERSION_CHANGED, send.id, **details)
    return await found_send(tx, send.id)


async def _newer_version(tx: Transaction, send: Send, version_id: str) -> TemplateVersion:
    template = (send.brand_id, send.channel, send.template_key)
    # Of one that is archived nothing is pinned any more.
    await require_template(tx, *template, field=_FIELD)
    version = await tx.templates.find_version_by_id(version_id)
    if version is None or (version.brand_id, version.channel, version.template_key) != template:
        raise ValidationFailed.of(_FIELD, "is no version of the template of this send")
    checks = Checks()
    if version.revision <= send.template_revision:
        checks.add(_FIELD, "is not newer than the version that the send has")
    for violation in find_violations(version.variables, send.variables):
        checks.add(_FIELD, f"does not fit the send: {violation.field} {violation.message}")
    checks.finish()
    return version
