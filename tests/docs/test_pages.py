"""Every command of every page works as printed, in a clean directory, and answers what is printed
below it."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.api.running import free_ports
from tests.support.carillon import Installation
from tests.support.docs.pages import (
    ANSWERS,
    COMMANDS,
    OTHERS,
    ROOT,
    Example,
    examples,
    languages,
    pages,
)
from tests.support.docs.shell import paste

# What cannot run here, page by page. A new one is a decision, so it is counted here too.
NOT_RUN = {
    "README.md": 1,
    "clients.md": 2,
    "dependencies.md": 1,
    "deploy.md": 6,
    "inbox.md": 1,
    "operations.md": 2,
    "push.md": 2,
    "webhooks.md": 1,
}
SECRETS = "demo=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""As docs/webhooks.md has the service started."""
NOT_INSTALLED = (
    "no grpcurl on the PATH; go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3"
)


def answers(printed: str) -> list[Any]:
    """The JSON objects in a text, in order."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (at := printed.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(printed, at)
            found.append(value)
        except ValueError:
            at += 1
    return found


def same(printed: Any, found: Any) -> bool:
    """Whether an answer is as printed, where `…` stands for anything."""
    if isinstance(printed, dict) and isinstance(found, dict):
        return printed.keys() == found.keys() and all(
            same(value, found[key]) for key, value in printed.items()
        )
    if isinstance(printed, list) and isinstance(found, list):
        return len(printed) == len(found) and all(map(same, printed, found))
    return printed in ("…", found)


def check(example: Example, printed: str) -> None:
    """One of the answers is the one on the page; without one there, none is an error."""
    place = f"line {example.line}:\n{example.text}\n{printed}"
    if example.answer.startswith("{"):
        assert any(same(json.loads(example.answer), answer) for answer in answers(printed)), place
    elif example.answer:
        assert printed == example.answer, place
    elif example.mark != "refused":
        assert not any("error" in answer and "message" in answer for answer in answers(printed)), (
            place
        )


def needs_grpcurl(example: Example) -> bool:
    return re.search(r"^(grpcurl|rpc) ", example.text, re.MULTILINE) is not None


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_what_is_not_run_is_counted(page: Path) -> None:
    assert sum(example.mark == "not run" for example in examples(page)) == NOT_RUN.get(page.name, 0)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_block_is_of_a_kind_that_would_be_passed_over(page: Path) -> None:
    assert languages(page) <= {*COMMANDS, *ANSWERS, *OTHERS}
    # Commands as indented text would be.
    assert (
        re.findall(r"\n\n {4}(?:carillon|\.venv|curl|make|grpcurl|git) .*", page.read_text("utf-8"))
        == []
    )


RUNNABLE = [
    page for page in pages() if any(example.mark != "not run" for example in examples(page))
]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
async def test_every_command_works_as_printed(installation: Installation, page: Path) -> None:
    found = [example for example in examples(page) if example.mark != "not run"]
    without = (
        [] if shutil.which("grpcurl") else [example for example in found if needs_grpcurl(example)]
    )
    found = [example for example in found if example not in without]
    (metrics,) = free_ports(1)
    installation.settings |= {
        "CARILLON_METRICS_PORT": str(metrics),
        "CARILLON_EMAIL_WEBHOOK_SECRETS": SECRETS,
        "CARILLON_SMS_CANARY_NUMBER": "+12025550199",
        "PATH": os.environ["PATH"],
    }
    (installation.directory / ".venv").symlink_to(ROOT / ".venv")
    async with installation.running():
        addresses = (
            installation.rest.removeprefix("http://"),
            installation.grpc,
            f"127.0.0.1:{metrics}",
        )
        printed = await paste(installation, found, addresses)
    for example, output in zip(found, printed, strict=True):
        check(example, output)
    if without:
        pytest.skip(f"all but {len(without)} blocks: {NOT_INSTALLED}")
