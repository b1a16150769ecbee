"""No line of what ruff does not read is longer than 100 columns: pages, protos, Lua, YAML, the
Makefile and the rest."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 100
MADE = ("generated/", "requirements.lock")
"""Written by tools."""
UNBREAKABLE = re.compile(r"\s*(?:[#/*-]+ )?(?:\S+[ :] *)?\S+")
"""A word, as a URL, and the key or the mark of a comment before it."""
IN_MARKDOWN = re.compile(r' *\|.*|\s*"\w+": ".*",?')
"""A row of a table; a string of JSON."""


def too_long(name: str, text: str) -> list[str]:
    """Place and text of each line that could be broken and is not."""
    markdown = name.endswith(".md")
    return [
        f"{name}:{number}: {line}"
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > WIDTH
        and not UNBREAKABLE.fullmatch(line)
        and not (markdown and IN_MARKDOWN.fullmatch(line))
    ]


def test_no_line_is_longer_than_a_hundred_columns() -> None:
    listed = subprocess.run(
        ("git", "ls-files", "-z"),  # noqa: S607 - the git that cloned it
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [
        name
        for name in listed.stdout.split("\0")
        if name and not name.endswith(".py") and not name.startswith(MADE)
    ]
    assert len(names) > 50
    long = [line for name in names for line in too_long(name, (ROOT / name).read_text("utf-8"))]
    assert long == [], "\n".join(long)


@pytest.mark.parametrize(
    ("name", "line", "is_long"),
    [
        ("a.proto", "// " + "word " * 30, True),
        ("a.lua", "-- https://example.com/" + "x" * 100, False),
        ("envoy.yaml", '  "@type": ' + "x" * 100, False),
        ("a.md", "| cell | " + "word " * 30 + "|", False),
        ("a.yaml", "| cell | " + "word " * 30 + "|", True),
        ("a.md", '  "body": "' + "word " * 30 + '",', False),
        ("a.md", "word " * 30, True),
    ],
)
def test_what_counts_as_too_long(name: str, line: str, is_long: bool) -> None:
    assert bool(too_long(name, line)) is is_long
