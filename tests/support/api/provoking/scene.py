"""What a table of provocations is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.api.callers import Caller

Scene = Callable[[Caller, str], Awaitable[dict[str, Any]]]
"""Makes what must be there before in a brand, and returns the request."""
Scenes = dict[str, dict[int, Scene]]
"""By operation, e.g. `GET /v1/messages/{id}`, and status."""


def asks(**request: Any) -> Scene:
    """A request for which nothing need be there."""

    async def scene(api: Caller, brand: str) -> dict[str, Any]:
        return dict(request)

    return scene


def in_brand(**request: Any) -> Scene:
    """The same, and it names the brand."""

    async def scene(api: Caller, brand: str) -> dict[str, Any]:
        return {"brand_id": brand, **request}

    return scene


def unknown(**more: Any) -> Scene:
    """A request about what is not there."""
    return asks(id="no-such-id", **more)
