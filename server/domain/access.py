"""Who is calling, and which brands exist for them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from server.domain.errors import (
    NotFound,
    ScopeMissing,
    ServicesOnly,
    UnknownBrand,
    ValidationFailed,
)
from server.domain.scopes import grants


@dataclass(frozen=True, slots=True)
class Principal:
    """The bearer of a verified token."""

    subject: str
    """Becomes `created_by` of what the caller creates."""
    brands: frozenset[str]
    """The brands the token names; no other brand exists for the caller."""
    scopes: frozenset[str]
    """What the token allows, as `server.domain.scopes` reads them."""
    is_person: bool = False
    """A person, as whom methods for services alone are not called; else a service."""
    expires_at: datetime | None = field(default=None, compare=False)
    """Until when the token is good; None: it does not say."""
    token_id: str = field(default="", compare=False)
    """The `jti` of a token of this installation, by which it can be revoked."""
    issuer: str = ""
    """Who says so; empty: this installation itself. One subject of two issuers is two callers."""

    @property
    def idempotency_scope(self) -> str:
        """Keys of two callers, or of one caller acting for other brands, never meet: a digest of
        parts that no character can shift, as short as an index needs it."""
        parts = json.dumps([self.issuer, self.subject, sorted(self.brands)])
        return sha256(parts.encode()).hexdigest()

    @property
    def party(self) -> str:
        """Who takes turns with others: the brand, whoever acts for it; of several, who acts for
        them."""
        if len(self.brands) == 1:
            (brand_id,) = self.brands
            return brand_id
        return f"\n{self.issuer}\n{self.subject}"

    def may(self, scope: str) -> bool:
        """Whether the token allows `scope`."""
        return grants(self.scopes, scope)

    def require_scope(self, scope: str) -> None:
        """Raises ScopeMissing if the token does not allow `scope`."""
        if not self.may(scope):
            raise ScopeMissing(scope)

    def require_service(self) -> None:
        """Raises ServicesOnly for a person."""
        if self.is_person:
            raise ServicesOnly

    def acting_for(self, brand_id: str) -> Principal:
        """The same caller, for whom only one of their brands exists. Raises as `require_brand`
        does."""
        return replace(self, brands=frozenset({self.require_brand(brand_id)}))

    def require_brand(self, brand_id: str) -> str:
        """The brand, if the token names it. Raises NotFound otherwise: a brand of others does not
        exist; UnknownBrand without any."""
        self._require_any_brand()
        if brand_id not in self.brands:
            raise NotFound("brand")
        return brand_id

    def brand_or_only(self, brand_id: str) -> str:
        """The brand asked for; the token's only brand if none was. Raises ValidationFailed if that
        is not clear, UnknownBrand if it names none."""
        if brand_id:
            return self.require_brand(brand_id)
        self._require_any_brand()
        if len(self.brands) != 1:
            raise ValidationFailed.of(
                "brand_id", "is required: the token names more than one brand"
            )
        return next(iter(self.brands))

    def owns(self, brand_id: str) -> bool:
        """Whether something of this brand exists for the caller."""
        return brand_id in self.brands

    def _require_any_brand(self) -> None:
        if not self.brands:
            raise UnknownBrand


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, and when."""

    principal: Principal
    now: datetime
    request_id: str | None = None
    """Of the call, for the audit log."""
