"""The examples of docs/templates.md, run in order."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.support.api.callers import Caller
from tests.support.api.scenes import ok, try_rendering, try_version

GUIDE = Path(__file__).parents[2] / "docs" / "templates.md"
EXAMPLES = [
    (kind, json.loads(text))
    for kind, text in re.findall(
        r"^```json (\w+)\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S
    )
]


async def test_the_guide_says_what_the_service_does(idle_api: Caller, brand: str) -> None:
    answer: Any = None
    compared = 0
    for kind, example in EXAMPLES:
        match kind:
            case "version":
                answer = await try_version(idle_api, brand, key="example", **example)
                assert answer.status == 201, answer
            case "person":
                await ok(
                    idle_api, "messaging.PersonService/PutPerson", {"brand_id": brand} | example
                )
            case "render":
                answer = await try_rendering(idle_api, brand, key="example", **example)
            case "answer":
                assert answer.status < 300, answer
                assert {name: answer.body[name] for name in example} == example
                compared += 1
            case "refused":
                assert (answer.status, answer.body["details"]["fields"]) == (400, example)
                compared += 1
            case _:
                raise AssertionError(f"unknown kind of example: {kind}")
    assert compared >= [kind for kind, _ in EXAMPLES].count("render") > 5
