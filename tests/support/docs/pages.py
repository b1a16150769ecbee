"""Pages of the documentation as what a reader can paste: commands, and the answers printed below
them.

A comment right before a block tells of one that cannot be as printed, and why:

* `<!-- not run: why -->` before commands,
* `<!-- refused: why -->` before commands that fail, as the page says,
* `<!-- not compared: why -->` before an answer that is another one each time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = ("sh", "console", "python")
ANSWERS = ("json", "text")
OTHERS = ("ini", "js", "mermaid", "people", "sql", "toml")
"""Files, code of pages, pictures, tables: nothing to paste into a shell."""

_BLOCK = re.compile(
    r"(?:^ *<!-- (not run|refused|not compared): (.+?) -->\n)?^ *```(\w+)[^\n]*\n(.*?)^ *```\n",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Example:
    """Commands of one block."""

    language: str
    text: str
    line: int
    mark: str = ""
    reason: str = ""
    answer: str = ""
    """What the page prints below; empty if nothing, or not to be compared."""


def languages(page: Path) -> set[str]:
    """What the blocks of a page are in."""
    return {block[3] for block in _BLOCK.finditer(page.read_text("utf-8"))}


def pages() -> list[Path]:
    """README.md and docs/*.md, those with commands."""
    return [
        page
        for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
        if examples(page)
    ]


def examples(page: Path) -> list[Example]:
    """The commands of a page, in order, with the answers printed right below them."""
    text = page.read_text("utf-8")
    found: list[Example] = []
    end = -1
    for block in _BLOCK.finditer(text):
        mark, reason, language, body = block.groups(default="")
        if language in COMMANDS:
            found.append(
                Example(language, body, text.count("\n", 0, block.start()) + 1, mark, reason)
            )
            end = block.end()
        elif language in ANSWERS and block.start() == end and not mark:
            found[-1].answer = body
    return found
