"""Revokes tokens, and records in the audit log which were made and which keys sign them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from server.commands.operations.audit import decision
from server.commands.operations.brands import require_brands
from server.domain.access import Caller, Principal
from storage.contract.storage import Transaction
from storage.model.audit import INSTALLATION, AuditAction, AuditEntry
from storage.model.revocations import Revocation
from storage.model.values import JsonObject


@dataclass(frozen=True, slots=True)
class MintedToken:
    """A token, without the token itself."""

    id: str
    principal: Principal
    expires_at: datetime


async def record_token(tx: Transaction, caller: Caller, token: MintedToken) -> None:
    """Logs the token in each of its brands, or with the installation if it has none. Raises
    UnknownBrand."""
    of = token.principal
    await require_brands(tx, of.brands)
    details: JsonObject = {
        "subject": of.subject,
        "scopes": sorted(of.scopes),
        "expires_at": token.expires_at.isoformat(),
    }
    if of.is_person:
        details["is_person"] = True
    brands = sorted(of.brands) or [INSTALLATION]
    await tx.audit.append(
        [decision(caller, brand, AuditAction.TOKEN_MINTED, token.id, details) for brand in brands]
    )


async def revoke_token(tx: Transaction, caller: Caller, token_id: str) -> bool:
    """Ends a token of this installation before its time, and logs that with the installation.
    False if that was done before."""
    added = await tx.revocations.insert(Revocation(token_id=token_id, revoked_at=caller.now))
    if added:
        await tx.audit.append(
            [decision(caller, INSTALLATION, AuditAction.TOKEN_REVOKED, token_id, {})]
        )
    return added


async def note_signing_key(
    tx: Transaction,
    fingerprint: str,
    now: datetime,
    action: AuditAction = AuditAction.SIGNING_KEY_USED,
) -> None:
    """Logs with the installation that a key signs from now on, one just made or brought by an
    operator, or that it is retired; once."""
    known = await tx.audit.list_page(INSTALLATION, fingerprint, None, 2)
    if all(entry.action != action for entry in known):
        await tx.audit.append([AuditEntry.own(INSTALLATION, action, fingerprint, {}, now)])
