"""Files and names that pages, comments and docstrings refer to exist."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HISTORY = ("CHANGELOG.md", "docs/decisions/")
"""These speak of what was."""
PATH = re.compile(r"`((?:server|storage|tests|docs|protos|benchmarks|generated)/[\w./-]*\w)/?`")
DOTTED = re.compile(r"`((?:server|storage|tests|benchmarks)(?:\.\w+)+)`")
INSTALLED = {"benchmarks/peers/node_modules"}
"""There once somebody has run what makes it."""


def tracked() -> list[str]:
    """The files of the repository that people write."""
    listed = subprocess.run(
        ("git", "ls-files", "-z"),  # noqa: S607 - the git that cloned it
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]
    return [name for name in names if not name.startswith((*HISTORY, "generated/"))]


def missing(text: str) -> Iterator[str]:
    """What the text refers to and is not there."""
    for match in PATH.finditer(text):
        if not (ROOT / match[1]).exists() and match[1] not in INSTALLED:
            yield match[1]
    for match in DOTTED.finditer(text):
        if not _is_there(match[1].split(".")):
            yield match[1]


def _is_there(parts: list[str]) -> bool:
    """Whether it is a module, or a name that stands in one."""
    at = ROOT
    for index, part in enumerate(parts):
        if (at / part).is_dir():
            at = at / part
            continue
        file = at / f"{part}.py"
        names = parts[index + 1 :]
        if not file.is_file():
            file, names = at / "__init__.py", parts[index:]
        text = file.read_text("utf-8") if file.is_file() else ""
        return all(re.search(rf"\b{name}\b", text) for name in names)
    return True


def test_what_is_referred_to_exists() -> None:
    endings = (".py", ".md", ".lua", ".proto", ".yaml", ".toml")
    wrong = [
        f"{name}: {each}"
        for name in tracked()
        if name.endswith(endings) and name != Path(__file__).relative_to(ROOT).as_posix()
        for each in missing((ROOT / name).read_text("utf-8"))
    ]
    assert wrong == [], "\n".join(wrong)


def test_a_file_or_name_that_is_not_there_is_found() -> None:
    there = "`server/app.py` `server.app.Service` `server.app` `docs/`"
    gone = ["server/apps.py", "server.app.Serf", "server.apps"]
    assert list(missing(there)) == []
    assert list(missing(" ".join(f"`{each}`" for each in gone))) == gone
