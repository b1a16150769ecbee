"""Asks identity services over HTTP."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import quote_plus

import httpx

SECONDS = 5.0
"""Longest that an answer may take, in all."""
LARGEST_ANSWER = 1024 * 1024
CONNECTIONS = 64
"""One for each question that may be asked at once: none waits for those of another client."""
IDLE_SECONDS = 1.0
"""How long an unused connection is kept; servers close theirs later, and without a warning."""
_HEADERS = {
    "User-Agent": "carillon",
    "Accept": "application/json",
    # As it is: a small answer must not become a large one here.
    "Accept-Encoding": "identity",
}


class AnswerUnusableError(Exception):
    """The answer is none to go by."""


class IdentityClient:
    """Gets whole, small answers of status 200, following no redirects and keeping no cookies."""

    def __init__(self, seconds: float = SECONDS, tls_context: ssl.SSLContext | None = None) -> None:
        self._seconds = seconds
        self._timeout = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        # Not httpx.AsyncClient, which keeps cookies and reads proxies and passwords from the
        # environment.
        self._transport = httpx.AsyncHTTPTransport(
            verify=tls_context or ssl.create_default_context(),
            limits=httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=IDLE_SECONDS),
        )

    async def get(self, url: str) -> bytes:
        """What is at a URL. Raises httpx.HTTPError, TimeoutError or AnswerUnusableError."""
        return await self._answer(httpx.Request("GET", url, headers=_HEADERS))

    async def introspect(self, url: str, token: str, credentials: tuple[str, str] | None) -> bytes:
        """What the service at a URL says of a token. Raises as `get` does."""
        form = {"token": token, "token_type_hint": "access_token"}
        request = httpx.Request("POST", url, data=form, headers=_HEADERS)
        if credentials is not None:
            # Encoded first, as OAuth has it (RFC 6749, section 2.3.1).
            user, password = map(quote_plus, credentials)
            request = next(httpx.BasicAuth(user, password).auth_flow(request))
        return await self._answer(request)

    async def close(self) -> None:
        """Closes its connections."""
        await self._transport.aclose()

    async def _answer(self, request: httpx.Request) -> bytes:
        request.extensions["timeout"] = self._timeout
        async with asyncio.timeout(self._seconds):
            response = await self._transport.handle_async_request(request)
            try:
                return await _body(response)
            finally:
                await response.aclose()


async def _body(response: httpx.Response) -> bytes:
    if response.status_code != 200:
        raise AnswerUnusableError(f"status {response.status_code}")
    body = b""
    async for part in response.aiter_raw():
        body += part
        if len(body) > LARGEST_ANSWER:
            raise AnswerUnusableError("too large")
    return body
