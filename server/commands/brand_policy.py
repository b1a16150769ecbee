"""Reading and setting a brand's policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from server.commands.audit import decision
from server.domain.access import Caller
from server.domain.audit_actions import AuditAction
from server.domain.channels import Channel
from server.domain.misfire import LONGEST_MISFIRE_SECONDS
from server.domain.policies import MisfirePolicy, UnknownPolicy
from server.domain.validation import ID_LENGTH, Checks
from storage.interface import Transaction
from storage.operations import BrandPolicy
from storage.records import JsonObject

SLOWEST = 0.01
"""Provider calls per second, at least."""
FASTEST = 100_000
"""Provider calls per second, and calls at once, at most."""


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
    unknown_policy: UnknownPolicy
    misfire_policy: MisfirePolicy
    misfire_seconds: int
    rates: Sequence[ChannelRate]


async def get_brand_policy(tx: Transaction, caller: Caller, brand_id: str) -> BrandPolicy:
    """The brand's policy, or the defaults. Raises NotFound for a brand of others, ValidationFailed."""
    _require_brand(caller, brand_id)
    return await tx.brands.find_policy(brand_id) or BrandPolicy(brand_id=brand_id)


async def set_brand_policy(tx: Transaction, caller: Caller, new: NewBrandPolicy) -> BrandPolicy:
    """Replaces the brand's policy. Raises NotFound for a brand of others, ValidationFailed."""
    _require_brand(caller, new.brand_id)
    _check(new)
    policy = BrandPolicy(
        brand_id=new.brand_id,
        unknown_policy=new.unknown_policy,
        misfire_policy=new.misfire_policy,
        misfire_seconds=new.misfire_seconds,
        rate_limits={rate.channel: _limit(rate) for rate in new.rates},
        updated_at=caller.now,
        updated_by=caller.principal.subject,
    )
    await tx.brands.put_policy(policy)
    await tx.audit.append([decision(caller, policy.brand_id, AuditAction.BRAND_POLICY_SET, policy.brand_id, _details(policy))])
    return policy


def _require_brand(caller: Caller, brand_id: str) -> None:
    checks = Checks()
    checks.line("brand_id", brand_id, ID_LENGTH)
    checks.finish()
    caller.principal.require_brand(brand_id)


def _check(new: NewBrandPolicy) -> None:
    checks = Checks()
    if new.misfire_policy is MisfirePolicy.EXPIRE_AFTER:
        allowed = 1 <= new.misfire_seconds <= LONGEST_MISFIRE_SECONDS
        checks.require(allowed, "misfire_seconds", f"must be 1 to {LONGEST_MISFIRE_SECONDS} with expire_after")
    else:
        checks.require(new.misfire_seconds == 0, "misfire_seconds", "must be 0 unless misfire_policy is expire_after")
    limited: set[str] = set()
    for index, rate in enumerate(new.rates):
        _check_rate(checks, f"rate_limits[{index}].", rate)
        checks.require(rate.channel not in limited, f"rate_limits[{index}].channel", "is there twice")
        limited.add(rate.channel)
    checks.finish()


def _check_rate(checks: Checks, prefix: str, rate: ChannelRate) -> None:
    checks.require(rate.channel != Channel.IN_APP, f"{prefix}channel", "must not be in_app, which is not limited")
    # Not a number fails this too.
    checks.require(SLOWEST <= rate.per_second <= FASTEST, f"{prefix}per_second", f"must be {SLOWEST} to {FASTEST}")
    checks.require(0 <= rate.burst <= FASTEST, f"{prefix}burst", f"must be 1 to {FASTEST}, or 0 for one second's worth")


def _limit(rate: ChannelRate) -> JsonObject:
    return {"per_second": rate.per_second, "burst": rate.burst or max(1, ceil(rate.per_second))}


def _details(policy: BrandPolicy) -> JsonObject:
    return {
        "unknown_policy": policy.unknown_policy.value,
        "misfire_policy": policy.misfire_policy.value,
        "misfire_seconds": policy.misfire_seconds,
        "rate_limits": policy.rate_limits,
    }
