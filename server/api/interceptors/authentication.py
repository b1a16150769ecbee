"""Authenticates a caller and checks what they may do: the token, its scope, and that its brands
exist."""

from __future__ import annotations

from google.protobuf.message import Message

from server.api.field_scopes import scopes_of_fields
from server.api.interceptors.call import Metadata, value_of
from server.api.interceptors.clients import client_of
from server.api.interceptors.known_brands import KnownBrands
from server.api.policies import Policy
from server.domain.access import Principal
from server.domain.errors import CarillonError, Unauthenticated
from server.identity.verifier import TokenVerifier

BRAND_ID = "x-brand-id"
"""By this a caller names the one of the token's brands that a call is for."""


class Authentication:
    """Judges the bearer token of each call."""

    def __init__(self, tokens: TokenVerifier, brands: KnownBrands) -> None:
        self._tokens = tokens
        self._brands = brands

    async def admit(self, policy: Policy, metadata: Metadata) -> Principal | None:
        """Who calls, judged from the metadata alone; None for a public method, which takes
        everybody. Raises Unauthenticated, IdentityUnavailable, ScopeMissing, ServicesOnly,
        UnknownBrand, or NotFound for a brand that the caller names and may not act for."""
        if policy.public:
            return None
        token = _bearer_token(metadata)
        principal = self._tokens.known(token)
        if principal is None:
            principal = await self._tokens.verify(token, client_of(metadata))
        for scope in policy.scopes:
            principal.require_scope(scope)
        if policy.services_only:
            principal.require_service()
        named = value_of(metadata, BRAND_ID)
        if named is not None:
            principal = principal.acting_for(named)
        if not self._brands.have(principal.brands):
            await self._brands.require(principal.brands)
        return principal


def require_field_scopes(
    policy: Policy, principal: Principal, request: Message | CarillonError
) -> None:
    """Raises ScopeMissing if a field of the request is of data that the token does not allow. Of a
    request that could not be read, fields ask for nothing."""
    if policy.field_scopes and isinstance(request, Message):
        for scope in scopes_of_fields(request, policy.field_scopes):
            principal.require_scope(scope)


def _bearer_token(metadata: Metadata) -> str:
    authorization = value_of(metadata, "authorization")
    if authorization is None:
        raise Unauthenticated("a bearer token is required")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("the authorization header must be 'Bearer <token>'")
    return token.strip()
