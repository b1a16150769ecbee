"""Judges opaque tokens by asking the identity service what they are (RFC 7662)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeAlias

from server.domain.errors import IdentityUnavailable, Unauthenticated
from server.identity.claims import UNREADABLE, ClaimMapping, Claims, require_current
from server.identity.verifier import Verified, remembered

REMEMBERED = timedelta(seconds=30)
REFUSED = timedelta(seconds=5)
MOST_REFUSED = 4096
MOST_AT_ONCE = 64
"""Look-ups: tokens that somebody makes up must not become a flood at the identity service."""
MOST_OF_ONE = 16
"""The same for one client, so that the others find room whatever tokens it makes up."""
_NOT_OURS = "the token is not one of this service"
Ask: TypeAlias = Callable[[str], Awaitable[bytes]]

_log = logging.getLogger(__name__)


class IntrospectedTokens:
    """Tokens that only the identity service knows."""

    def __init__(self, ask: Ask, name: str, audience: str, mapping: ClaimMapping) -> None:
        """`ask` gets the answer about a token; what it raises means that the service is away.
        `name` tells its callers from those of other issuers; `audience`, if it is not empty, is
        what an answer must name."""
        self._ask = ask
        self._name = name
        self._audience = audience
        self._mapping = mapping
        self._refused: dict[bytes, datetime] = {}
        self._asking: dict[bytes, asyncio.Task[Verified]] = {}
        self._asking_for: Counter[str] = Counter()
        """How many of them each client began."""

    def takes(self, issuer: str | None) -> bool:
        """Every token that is nobody else's."""
        return True

    async def verify(self, token: str, now: datetime, client: str) -> Verified:
        """Whom a token stands for; look-ups of one token at the same time are one. Raises
        Unauthenticated or IdentityUnavailable, which is also for a client that has too many."""
        # Tokens that were refused may be of any length, and some are good elsewhere.
        digest = sha256(token.encode(errors="surrogatepass")).digest()
        if now < self._refused.get(digest, now):
            raise Unauthenticated(_NOT_OURS)
        asking = self._asking.get(digest)
        if asking is None:
            if len(self._asking) >= MOST_AT_ONCE or self._asking_for[client] >= MOST_OF_ONE:
                raise IdentityUnavailable
            asking = asyncio.create_task(self._look_up(token, digest, now), name="introspection")
            self._asking[digest] = asking
            self._asking_for[client] += 1
            asking.add_done_callback(lambda done: self._forget(digest, client, done))
        # One caller who hangs up does not end it for the others.
        return await asyncio.shield(asking)

    def _forget(self, digest: bytes, client: str, done: asyncio.Task[Verified]) -> None:
        del self._asking[digest]
        self._asking_for[client] -= 1
        self._asking_for += Counter()  # forgets those that have none
        if not done.cancelled():
            done.exception()  # is not reported as lost where every caller has hung up

    async def _look_up(self, token: str, digest: bytes, now: datetime) -> Verified:
        answer = await self._answer(token)
        try:
            return self._verified(answer, now)
        except (Unauthenticated, *UNREADABLE):
            self._refused.pop(digest, None)
            if len(self._refused) >= MOST_REFUSED:
                del self._refused[next(iter(self._refused))]
            self._refused[digest] = now + REFUSED
            raise Unauthenticated(_NOT_OURS) from None

    async def _answer(self, token: str) -> Claims:
        """What the service says. Raises IdentityUnavailable if that is nothing it may say."""
        try:
            answer = json.loads(await self._ask(token))
            if not isinstance(answer, dict) or not isinstance(answer.get("active"), bool):
                raise ValueError("no answer of RFC 7662")
        except Exception as error:  # noqa: BLE001 - whatever it is, the token cannot be judged
            _log.warning("the identity service does not answer: %s", type(error).__name__)
            raise IdentityUnavailable from None
        return answer

    def _verified(self, answer: Claims, now: datetime) -> Verified:
        audience = answer.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if not answer["active"] or (self._audience and self._audience not in named):
            raise Unauthenticated(_NOT_OURS)
        # No answer is used past the instant that it names, whatever the clocks.
        expires_at = require_current(answer, now, timedelta(0))
        principal = self._mapping.principal(answer, self._name, expires_at)
        return remembered(principal, now + REMEMBERED)
