"""Keeps the requests of a brand, and the rows in them, within its budgets."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from google.protobuf.message import Message

from server.api.policies import Policy
from server.commands.operations.brand_policy import policy_of
from server.domain.access import Principal
from server.domain.budgets import Budget, Budgets, Meter, rate_of
from server.domain.clock import steady_seconds
from server.domain.errors import BudgetSpent
from storage.contract.storage import Storage
from storage.model.brands import BrandPolicy

LIFETIME = 30.0
"""Seconds that a brand's policy is remembered."""
_BURSTS = {Budget.REQUESTS: 1.0, Budget.ROWS: 10.0}
"""Seconds' worth that may be used at once."""
_REMEMBERED = 4096
"""Brands."""


class BudgetCheck:
    """Counts what each call uses, before its method runs. In the memory of this process: each
    replica counts what it sees."""

    def __init__(
        self, storage: Storage, defaults: Budgets, steady: Callable[[], float] = steady_seconds
    ) -> None:
        """`defaults` hold for brands whose policy does not say otherwise."""
        self._storage = storage
        self._defaults = defaults
        self._steady = steady
        self._meters = {budget: Meter(seconds) for budget, seconds in _BURSTS.items()}
        self._known: dict[str, tuple[float, Budgets]] = {}

    async def take(self, principal: Principal, policy: Policy, request: Message) -> None:
        """Counts a request. Raises BudgetSpent, having counted nothing, if its brand has used too
        much."""
        now = self._steady()
        brand_id = _brand_of(principal, request)
        if brand_id is None:
            # It names none of several: those who act for all of them share one budget.
            key, budgets = f"\n{principal.subject}", self._defaults
        else:
            known = self._known.get(brand_id)
            key = brand_id
            budgets = known[1] if known and now < known[0] else await self._learn(brand_id, now)
        if budgets is not UNLIMITED:
            self._count(key, budgets, _rows_of(policy, request), now)

    def _count(self, key: str, budgets: Budgets, rows: int, now: float) -> None:
        amounts = [
            (budget, amount, budgets.of(budget))
            for budget, amount in ((Budget.REQUESTS, 1), (Budget.ROWS, rows))
            if amount and budgets.of(budget)
        ]
        for budget, amount, rate in amounts:
            meter = self._meters[budget]
            wait = meter.wait(key, amount, rate, now)
            if wait:
                raise BudgetSpent(budget, rate, meter.burst_seconds, ceil(wait))
        for budget, amount, rate in amounts:
            self._meters[budget].use(key, amount, rate, now)

    async def _learn(self, brand_id: str, now: float) -> Budgets:
        policy = await self._storage.read(lambda tx: policy_of(tx, brand_id))
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        budgets = budgets_of(policy, self._defaults)
        self._known[brand_id] = (now + LIFETIME, budgets)
        return budgets


UNLIMITED = Budgets()


def budgets_of(policy: BrandPolicy, defaults: Budgets) -> Budgets:
    """What a brand may use: what its policy says, or the defaults."""
    budgets = Budgets(
        **{budget.value: rate_of(policy, budget, defaults.of(budget)) for budget in Budget}
    )
    return UNLIMITED if budgets == UNLIMITED else budgets


def _brand_of(principal: Principal, request: Message) -> str | None:
    """The brand that a call is for; None if it cannot be told."""
    if len(principal.brands) == 1:
        return next(iter(principal.brands))
    named = getattr(request, "brand_id", None)
    return named if named in principal.brands else None


def _rows_of(policy: Policy, request: Message) -> int:
    return sum(len(getattr(request, name)) for name in policy.row_fields)
