"""Asks identity services over HTTP."""

from __future__ import annotations

import asyncio
from urllib.parse import quote_plus

import httpx

SECONDS = 5.0
"""Longest that an answer may take, in all."""
LARGEST_ANSWER = 1024 * 1024
CONNECTIONS = 16


class AnswerUnusableError(Exception):
    """The answer is none to go by."""


class IdentityClient:
    """Gets whole, small answers of status 200, following no redirects."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            timeout=seconds,
            trust_env=False,
            limits=httpx.Limits(max_connections=CONNECTIONS),
            headers={"Accept": "application/json"},
        )

    async def get(self, url: str) -> bytes:
        """What is at a URL. Raises httpx.HTTPError, TimeoutError or AnswerUnusableError."""
        return await self._answer(self._client.build_request("GET", url))

    async def introspect(self, url: str, token: str, credentials: tuple[str, str] | None) -> bytes:
        """What the service at a URL says of a token. Raises as `get` does."""
        request = self._client.build_request(
            "POST", url, data={"token": token, "token_type_hint": "access_token"}
        )
        if credentials is not None:
            # Encoded first, as OAuth has it (RFC 6749, section 2.3.1).
            user, password = map(quote_plus, credentials)
            authorization = httpx.BasicAuth(user, password)
            request = next(authorization.auth_flow(request))
        return await self._answer(request)

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    async def _answer(self, request: httpx.Request) -> bytes:
        async with asyncio.timeout(self._seconds):
            response = await self._client.send(request, stream=True)
            try:
                if response.status_code != 200:
                    raise AnswerUnusableError(f"status {response.status_code}")
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        raise AnswerUnusableError("too large")
                return body
            finally:
                await response.aclose()
