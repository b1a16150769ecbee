"""Calls every method over REST with hostile JSON, and with what schemathesis makes of the OpenAPI
document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import httpx

from tests.support.api.callers import METHODS, POLICIES, RestCaller, bind, full_path, is_raw
from tests.support.api.refusals import check_refusal
from tests.support.api.running import Running
from tests.support.api.untouched import Untouched, untouched_brand
from tests.support.hostile.calling import FRESH_EVERY
from tests.support.hostile.changes import ChangeWatch, watching
from tests.support.hostile.documents import document, webhook
from tests.support.hostile.values import text

TRIED = [name for name, method in sorted(METHODS.items()) if not method.server_streaming]
"""An accepted stream has no end to wait for."""


async def call_with_hostile_json(running: Running, count: int, seed: int) -> Counter[int]:
    """Calls one method after another with a good request in which something is changed. Returns
    how often each status was answered; fails as `call_with_hostile_messages` does."""
    chance, statuses = Random(seed), Counter[int]()
    brand = await untouched_brand(running, "rest")
    async with watching(running) as watch:
        for number in range(count):
            if number and number % FRESH_EVERY == 0:
                brand = await untouched_brand(running, "rest")
            name = TRIED[number % len(TRIED)]
            verb, path, carried = _request(brand, name, chance)
            statuses[await send(running, watch, brand, verb, path, **carried)] += 1
    return statuses


async def send(
    running: Running, watch: ChangeWatch, brand: Untouched, verb: str, path: str, **carried: Any
) -> int:
    """The status that a request is answered with. Fails on one that blames the service, on a
    refusal in another shape than the documented one, and on one that wrote."""
    assert isinstance(brand.api, RestCaller)
    headers = {"authorization": f"Bearer {brand.api.token}", "content-type": "application/json"}
    before = await watch.version()
    try:
        response = await running.http.request(verb, path, headers=headers, **carried)
    except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeEncodeError):
        return 0  # no client could send it
    told = (verb, path, str(carried)[:2000], response.text[:500])
    assert response.status_code < 500, told
    if response.status_code >= 400:
        check_refusal(response.json(), {})
        assert await watch.version() == before, told
    return response.status_code


def _request(brand: Untouched, name: str, chance: Random) -> tuple[str, str, dict[str, Any]]:
    method = METHODS[name]
    if is_raw(name):
        return "POST", "/v1/webhooks/email", {"content": webhook(chance)}
    good = {"token": "a.b"} if POLICIES[full_path(method)].public else brand.good(name)
    changed = {**good, **dict(_changes(good, chance))}
    in_path = {field for field in changed if f"{{{field}}}" in bind(method, dict.fromkeys(good))[1]}
    verb, path, left = bind(method, {**changed, **{each: good[each] for each in in_path}})
    if verb in ("GET", "DELETE"):
        return verb, path, {"params": {name: str(value) for name, value in left.items()}}
    # Also what is no JSON: NaN and infinity.
    return verb, path, {"content": json.dumps(left).encode()}


def _changes(good: Mapping[str, Any], chance: Random) -> Iterator[tuple[str, Any]]:
    for field in chance.sample(sorted(good), min(len(good), chance.choice((1, 1, 2)))):
        yield field, text(chance) if isinstance(good[field], str) else document(chance, 2)
    if chance.random() < 0.1:
        yield text(chance), document(chance, 3)
