"""The examples of docs/templates.md, run in order."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.support.api.callers import Caller
from tests.support.api.scenes import ok

GUIDE = Path(__file__).parents[2] / "docs" / "templates.md"
EXAMPLES = [
    (kind, json.loads(text))
    for kind, text in re.findall(
        r"^```json (\w+)\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S
    )
]


async def test_the_guide_says_what_the_service_does(idle_api: Caller, brand: str) -> None:
    key: dict[str, Any] = {"brand_id": brand, "channel": "email", "template_key": "example"}
    answer: Any = None
    compared = 0
    for kind, example in EXAMPLES:
        match kind:
            case "template":
                await ok(idle_api, "comms.TemplateService/PutTemplate", key | example)
            case "person":
                await ok(
                    idle_api, "messaging.PersonService/PutPerson", {"brand_id": brand} | example
                )
            case "preview":
                answer = await idle_api.call("comms.TemplateService/PreviewTemplate", key | example)
            case "rendered":
                assert answer.status == 200, answer
                assert {name: answer.body[name] for name in example} == example
                compared += 1
            case "refused":
                assert (answer.status, answer.body["details"]["fields"]) == (422, example)
                compared += 1
            case _:
                raise AssertionError(f"unknown kind of example: {kind}")
    assert compared == [kind for kind, _ in EXAMPLES].count("preview") > 5
