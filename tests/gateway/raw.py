"""Requests as bytes, for what no HTTP client would send."""

from __future__ import annotations

import asyncio
import re

import httpx

from server.config import Settings


async def exchange(settings: Settings, request: bytes) -> httpx.Response:
    """The answer of the gateway to what is sent on a connection of its own, with a token; its body
    as long as it says."""
    request = re.sub(rb"( HTTP/1\.[01]\r\n)", rb"\1authorization: Bearer t\r\n", request, count=1)
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.rest_port)
    writer.write(request)
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    body = (
        b""
        if request.startswith(b"HEAD ")
        else await reader.readexactly(int(headers["content-length"]))
    )
    writer.close()
    return httpx.Response(int(first.split(" ")[1]), headers=headers, content=body)
