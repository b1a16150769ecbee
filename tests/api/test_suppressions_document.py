"""The commands of docs/suppressions.md, run as printed, answer what is printed below them."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

from tests.api.callers import RestCaller
from tests.api.running import Running, running_service
from tests.api.scenes import instant, ok

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "suppressions.md"
EXAMPLE = re.compile(r"```sh\n(.*?)```\n(?:```(?:json|text)\n(.*?)```)?", re.DOTALL)


async def run(script: str, environment: dict[str, str]) -> str:
    """What a shell prints."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-e", "-c", script, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, (script, printed)
    return printed.decode()


def same(printed: Any, found: Any) -> bool:
    """Whether an answer is as printed, where `…` stands for anything."""
    if isinstance(printed, dict) and isinstance(found, dict):
        return printed.keys() == found.keys() and all(same(value, found[key]) for key, value in printed.items())
    if isinstance(printed, list) and isinstance(found, list):
        return len(printed) == len(found) and all(map(same, printed, found))
    return printed in ("…", found)


async def scheduled(running: Running) -> str:
    """The id of a message of the demo."""
    request = {"brand_id": "demo", "channel": "sms", "template_key": "welcome", "recipient": "+12025550199", "person_id": "ines"}
    more = {"dedup_key": "document", "scheduled_at": instant()}
    return str((await ok(RestCaller(running.http, running.token("demo")), "comms.MessageService/ScheduleMessage", request | more))["id"])


async def test_every_command_answers_what_is_printed_below_it(tmp_path: Path) -> None:
    examples = EXAMPLE.findall(DOCUMENT.read_text("utf-8"))
    assert len(examples) >= 8
    async with running_service(tmp_path) as running:
        await running.service.seed()
        link = running.service.links.link(await scheduled(running))
        url = str(running.http.base_url).rstrip("/")
        environment = {"PATH": os.environ["PATH"], "TOKEN": running.token("demo"), "CARILLON": url, "LINK": link}
        defined = ""
        for script, printed in examples:
            if not printed:
                defined += script
                continue
            found = await run(defined + script, environment)
            if printed.startswith("{"):
                assert same(json.loads(printed), json.loads(found)), (script, found)
            else:
                assert found == printed, script
