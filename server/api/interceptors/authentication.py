"""Authenticates a caller and checks what they may do: the token, its scope, and that its brands
exist."""

from __future__ import annotations

from server.api.interceptors import call
from server.api.interceptors.known_brands import KnownBrands
from server.api.policies import Policy
from server.domain.errors import Unauthenticated
from server.runtime.tokens import Tokens


class Authentication:
    """Judges the bearer token of each call."""

    def __init__(self, tokens: Tokens, brands: KnownBrands) -> None:
        self._tokens = tokens
        self._brands = brands

    async def admit(self, policy: Policy) -> None:
        """Makes the caller known to the method, by the metadata alone: there is no message yet.
        Raises Unauthenticated, ScopeMissing, ServicesOnly or UnknownBrand; a public method takes
        everybody."""
        if policy.public:
            return
        principal = self._tokens.verify(_bearer_token())
        principal.require_scope(policy.scope)
        if policy.services_only:
            principal.require_service()
        if not self._brands.have(principal.brands):
            await self._brands.require(principal.brands)
        call.principal.set(principal)


def _bearer_token() -> str:
    authorization = call.current_metadata("authorization")
    if authorization is None:
        raise Unauthenticated("a bearer token is required")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("the authorization header must be 'Bearer <token>'")
    return token.strip()
