"""Asks Envoy's admin page, on the Unix socket that its owner alone can open."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import httpx

from server.config.binding import LONGEST_SOCKET
from server.gateway.errors import GatewayError

SOCKET = "admin.sock"
TIMEOUT = 2.0
"""Seconds for one question."""


def require_free(path: Path) -> None:
    """Raises GatewayError if Envoy could not listen there: the path is too long, or another Envoy
    answers on it. A file that a crash left is in nobody's way: Envoy replaces it."""
    if len(bytes(path)) > LONGEST_SOCKET:
        raise GatewayError(
            f"CARILLON_DATA_DIR: {path} is too long for a Unix socket (at most {LONGEST_SOCKET} "
            f"bytes); set a shorter directory"
        )
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(bytes(path))
        except OSError:
            return
    raise GatewayError(f"CARILLON_DATA_DIR: another gateway is running in {path.parent.parent}")


async def is_ready(path: Path) -> bool:
    """Whether Envoy answers and all its workers listen."""
    return await _ask("GET", "/ready", path) is not None


async def stop_listening(path: Path) -> None:
    """Closes the listeners; requests already in work go on."""
    await _ask("POST", "/drain_listeners", path)


async def part_with_clients(path: Path) -> None:
    """From now on every answer ends its connection (`connection: close`, GOAWAY), so that no client
    sends another request on it."""
    await _ask("POST", "/healthcheck/fail", path)


async def active_requests(path: Path) -> int:
    """How many requests Envoy is working on; 0 when it does not answer."""
    text = await _ask("GET", "/stats?filter=^http.rest.downstream_rq_active$", path)
    found = re.search(r"downstream_rq_active: (\d+)", text or "")
    return int(found.group(1)) if found else 0


async def _ask(method: str, question: str, path: Path) -> str | None:
    """The body of a 200 answer, or None for any other and for none."""
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    try:
        async with httpx.AsyncClient(transport=transport, timeout=TIMEOUT) as client:
            answer = await client.request(method, f"http://envoy{question}")
    except httpx.HTTPError:
        return None
    return answer.text if answer.status_code == 200 else None
