"""Runs the commands of a page one after the other in one shell, as somebody does who pastes
them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from tests.support.carillon import Installation
from tests.support.docs.pages import Example

# The one thing that is not as printed: where a service of the test's own listens.
PRINTED = ("127.0.0.1:8080", "127.0.0.1:50051", "127.0.0.1:9464")


async def paste(
    installation: Installation, found: Sequence[Example], addresses: Sequence[str]
) -> list[str]:
    """What each of the examples printed. Fails at the first that does not end as it should."""
    outputs = installation.directory / "printed"
    outputs.mkdir()
    script = "set -e\n" + "".join(
        _step(number, example, outputs, addresses) for number, example in enumerate(found)
    )
    await installation.bash(script)
    printed = [
        path.read_text("utf-8") if (path := outputs / str(number)).exists() else ""
        for number in range(len(found))
    ]
    ended = len(list(outputs.glob("*.done")))
    if ended < len(found):
        raise AssertionError(f"line {found[ended].line}:\n{found[ended].text}\n{printed[ended]}")
    return printed


def _step(number: int, example: Example, outputs: Path, addresses: Sequence[str]) -> str:
    text = example.text
    for there, here in zip(PRINTED, addresses, strict=True):
        text = text.replace(there, here)
    if example.language == "python":
        text = f".venv/bin/python -c {shlex.quote(text)}\n"
    output = outputs / str(number)
    # Not in a subshell: what a block defines, later ones use.
    commands = f"{{\n{text}}} >{output} 2>&1\n"
    if example.mark == "refused":
        commands = f"set +e\n{commands}test $? -ne 0 || exit 1\nset -e\n"
    return f"{commands}touch {output}.done\n"
