"""Registers and ends push subscriptions."""

from __future__ import annotations

from dataclasses import dataclass

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.contacts.addresses import check_person_id
from server.domain.contacts.push_subscriptions import check_auth, check_endpoint, check_p256dh
from server.domain.errors import NotFound
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.ids import new_id
from storage.model.push_subscriptions import PushSubscription


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPushSubscription:
    """A browser to register."""

    person_id: str
    endpoint: str
    p256dh: str
    auth: str
    user_agent: str
    """Empty: not known."""


async def create_push_subscription(
    tx: Transaction, caller: Caller, brand_id: str, new: NewPushSubscription
) -> PushSubscription:
    """Registers a browser; the same endpoint again replaces it. Raises NotFound for a brand of
    others, ValidationFailed."""
    checks = Checks()
    subscription = PushSubscription(
        id=new_id(),
        brand_id=caller.principal.require_brand(brand_id),
        person_id=check_person_id(checks, "person_id", new.person_id),
        endpoint=check_endpoint(checks, "endpoint", new.endpoint),
        p256dh=check_p256dh(checks, "p256dh", new.p256dh),
        auth=check_auth(checks, "auth", new.auth),
        user_agent=new.user_agent or None,
        created_at=caller.now,
        expires_at=None,
    )
    checks.finish()
    kept = await tx.push_subscriptions.put(subscription)
    await note(tx, caller, kept.brand_id, AuditAction.PUSH_SUBSCRIPTION_CREATED, kept.id)
    return kept


async def delete_push_subscription(tx: Transaction, caller: Caller, subscription_id: str) -> None:
    """Ends a subscription. Raises NotFound."""
    found = await tx.push_subscriptions.find(subscription_id)
    if found is None or not caller.principal.owns(found.brand_id):
        raise NotFound("push_subscription")
    await tx.push_subscriptions.delete(subscription_id)
    await note(tx, caller, found.brand_id, AuditAction.PUSH_SUBSCRIPTION_ENDED, subscription_id)
