"""Reads and sets a brand's policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from server.commands.operations.audit import note
from server.domain.access import Caller
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.brands import BrandPolicy, MisfirePolicy, UnknownPolicy
from storage.model.consents import ConsentDefault
from storage.model.values import JsonObject


@dataclass(frozen=True, slots=True)
class ChannelRate:
    """How fast a brand's messages may go out on one channel."""

    channel: str
    per_second: float
    burst: int
    """0: one second's worth, at least 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBrandPolicy:
    """A policy to set, whole."""

    brand_id: str
    unknown_policy: UnknownPolicy | None
    """None: the default."""
    misfire_policy: MisfirePolicy | None
    """None: the default."""
    misfire_seconds: int
    rates: Sequence[ChannelRate]
    consent_defaults: Mapping[str, ConsentDefault]
    """By channel; CONSENT_DEFAULTS where there is none."""
    transactional_categories: Sequence[str]
    budgets: Mapping[str, float] | None = None
    """By name, without those that are as the installation says; None: as they were."""


async def get_brand_policy(tx: Transaction, caller: Caller, brand_id: str) -> BrandPolicy:
    """The brand's policy, or the defaults. Raises NotFound for a brand of others."""
    return await policy_of(tx, caller.principal.require_brand(brand_id))


async def policy_of(tx: Transaction, brand_id: str) -> BrandPolicy:
    """What holds in the brand: its policy, or the defaults."""
    return await tx.brands.find_policy(brand_id) or BrandPolicy(brand_id=brand_id)


async def set_brand_policy(tx: Transaction, caller: Caller, new: NewBrandPolicy) -> BrandPolicy:
    """Replaces the brand's policy. Raises NotFound for a brand of others."""
    caller.principal.require_brand(new.brand_id)
    default, before = BrandPolicy(brand_id=new.brand_id), await policy_of(tx, new.brand_id)
    policy = BrandPolicy(
        brand_id=new.brand_id,
        unknown_policy=new.unknown_policy or default.unknown_policy,
        misfire_policy=new.misfire_policy or default.misfire_policy,
        misfire_seconds=new.misfire_seconds,
        rate_limits={rate.channel: _limit(rate) for rate in new.rates},
        consent_defaults={
            channel: default.value for channel, default in new.consent_defaults.items()
        },
        transactional_categories=tuple(new.transactional_categories),
        budgets=before.budgets if new.budgets is None else dict(new.budgets),
        updated_at=caller.now,
        updated_by=caller.principal.subject,
    )
    await tx.brands.put_policy(policy)
    await note(
        tx,
        caller,
        policy.brand_id,
        AuditAction.BRAND_POLICY_SET,
        policy.brand_id,
        **_details(policy),
    )
    return policy


def _limit(rate: ChannelRate) -> JsonObject:
    return {"per_second": rate.per_second, "burst": rate.burst or max(1, ceil(rate.per_second))}


def _details(policy: BrandPolicy) -> JsonObject:
    return {
        "unknown_policy": policy.unknown_policy.value,
        "misfire_policy": policy.misfire_policy.value,
        "misfire_seconds": policy.misfire_seconds,
        "rate_limits": policy.rate_limits,
        "consent_defaults": policy.consent_defaults,
        "transactional_categories": list(policy.transactional_categories),
        "budgets": policy.budgets,
    }
