"""Asks Envoy's admin page, on loopback."""

from __future__ import annotations

import asyncio
import re

TIMEOUT = 2.0
"""Seconds for one question."""


async def is_ready(port: int) -> bool:
    """Whether Envoy answers and all its workers listen."""
    return await _ask("GET", "/ready", port) is not None


async def stop_listening(port: int) -> None:
    """Closes the listeners; requests already in work go on."""
    await _ask("POST", "/drain_listeners", port)


async def part_with_clients(port: int) -> None:
    """From now on every answer ends its connection (`connection: close`, GOAWAY), so that no client
    sends another request on it."""
    await _ask("POST", "/healthcheck/fail", port)


async def active_requests(port: int) -> int:
    """How many requests Envoy is working on; 0 when it does not answer."""
    text = await _ask("GET", "/stats?filter=^http.rest.downstream_rq_active$", port)
    found = re.search(r"downstream_rq_active: (\d+)", text or "")
    return int(found.group(1)) if found else 0


async def _ask(method: str, path: str, port: int) -> str | None:
    """The body of a 200 answer as it came (it may be chunked), or None for any other and for
    none."""
    try:
        async with asyncio.timeout(TIMEOUT):
            head, body = await _exchange(
                f"{method} {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n", port
            )
    except (OSError, TimeoutError):
        return None
    return body if head.startswith("HTTP/1.1 200 ") else None


async def _exchange(request: str, port: int) -> tuple[str, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request.encode("ascii"))
        answer = (await reader.read()).decode("utf-8", "replace")
    finally:
        writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body
