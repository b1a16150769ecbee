"""Puts together how the tokens of calls are judged, as the settings say."""

from __future__ import annotations

import asyncio
from pathlib import Path

from server.config import ConfigError, Settings
from server.domain.clock import Clock
from server.identity.claims import ClaimMapping
from server.identity.http import IdentityClient
from server.identity.introspection import IntrospectedTokens
from server.identity.issuer import IssuedTokens
from server.identity.key_sets import KeySet, Load, read_key_set
from server.identity.tokens import IsRevoked, OwnTokens, Tokens
from server.identity.verifier import TokenSource, TokenVerifier


def token_verifier(
    settings: Settings,
    tokens: Tokens,
    client: IdentityClient,
    clock: Clock,
    is_revoked: IsRevoked,
) -> TokenVerifier:
    """What judges the tokens of calls: those of the installation; with the settings for them, those
    of an issuer whose keys are known, and all others by introspection. Raises ConfigError."""
    sources: list[TokenSource] = [OwnTokens(tokens, is_revoked)]
    mapping = _mapping(settings)
    if settings.jwks_file or settings.jwks_url:
        keys = KeySet(_load(settings, client), clock)
        sources.append(IssuedTokens(keys, settings.jwt_issuer, settings.jwt_audience, mapping))
    if settings.introspection_url:
        sources.append(_introspected(settings, client, mapping))
    return TokenVerifier(sources, clock)


def _mapping(settings: Settings) -> ClaimMapping:
    name, _, value = settings.service_claim.partition("=")
    return ClaimMapping(
        subject=settings.claim_subject,
        brands=settings.claim_brands,
        scopes=settings.claim_scopes,
        service=(name, value) if name else None,
    )


def _load(settings: Settings, client: IdentityClient) -> Load:
    if settings.jwks_url:
        return lambda: client.get(settings.jwks_url)
    path = Path(settings.jwks_file)
    try:
        read_key_set(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"CARILLON_JWKS_FILE: {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigError(
            f"CARILLON_JWKS_FILE: {path} has no public key of an asymmetric algorithm"
        ) from None
    return lambda: asyncio.to_thread(path.read_bytes)


def _introspected(
    settings: Settings, client: IdentityClient, mapping: ClaimMapping
) -> IntrospectedTokens:
    url, user = settings.introspection_url, settings.introspection_client_id
    credentials = (user, settings.introspection_client_secret) if user else None
    return IntrospectedTokens(
        lambda token: client.introspect(url, token, credentials),
        url,
        settings.introspection_audience,
        mapping,
    )
