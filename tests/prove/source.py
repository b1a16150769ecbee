"""Finds code by what it says and by the function it stands in, whatever file that is in and however
it is laid out.

Code is compared by its tokens: line breaks, blanks, comments, kinds of quotes and trailing commas
do not matter, so a formatter or a move changes nothing here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)"""
    r'''|(?P<string>[rfb]{0,2}(?:"""(?:\\.|(?!""").)*"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))'''
    r"""|(?P<word>\w+)|(?P<sign>[^\w\s])""",
    re.DOTALL,
)
_CLOSING = frozenset(")]}")


class NotFoundOnceError(Exception):
    """The code of a safeguard is not found, or more than once."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a file."""

    path: Path
    start: int
    end: int


def find(root: Path, where: str, code: str) -> Span:
    """Where `code` stands in what is called `where`: `Class.method`, `function`, `CONSTANT`, or the
    path of a file that is not Python.

    Raises NotFoundOnceError if it is not there exactly once.
    """
    places = _definitions(root).get(where, ()) if "/" not in where else (_whole(root / where),)
    found = [span for place in places for span in _occurrences(place, code)]
    if len(found) != 1:
        raise NotFoundOnceError(f"its code is {len(found)} times in {where}, not once")
    return found[0]


def replace(root: Path, where: str, code: str, by: str) -> tuple[Path, str]:
    """The file with `code` replaced, and its new text. Raises NotFoundOnceError."""
    span = find(root, where, code)
    text = span.path.read_text("utf-8")
    return span.path, text[: span.start] + by.lstrip(" ").rstrip() + text[span.end :]


@cache
def node_id(root: Path, name: str) -> str:
    """What pytest calls a test of this name, which may end with parameters. Raises
    NotFoundOnceError unless there is exactly one."""
    function = name.partition("[")[0]
    files = [
        path
        for path in sorted((root / "tests").rglob("test_*.py"))
        if f"def {function}(" in path.read_text("utf-8")
    ]
    if len(files) != 1:
        raise NotFoundOnceError(f"{len(files)} files have a test {function}, not one")
    return f"{files[0].relative_to(root)}::{name}"


def _whole(path: Path) -> Span:
    return Span(path, 0, len(path.read_text("utf-8")))


@cache
def _definitions(root: Path) -> dict[str, tuple[Span, ...]]:
    """Functions, classes and assignments of the service and its storage by qualified name."""
    found: dict[str, list[Span]] = {}
    for path in sorted([*(root / "server").rglob("*.py"), *(root / "storage").rglob("*.py")]):
        text = path.read_text("utf-8")
        lines = [0]
        for line in text.splitlines(keepends=True):
            lines.append(lines[-1] + len(line))
        for name, node in _named(ast.parse(text), ""):
            found.setdefault(name, []).append(
                Span(path, lines[node.lineno - 1], lines[node.end_lineno or 0])
            )
    return {name: tuple(spans) for name, spans in found.items()}


def _named(parent: ast.AST, prefix: str) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield prefix + node.name, node
            yield from _named(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (
                (prefix + target.id, node) for target in targets if isinstance(target, ast.Name)
            )


def _occurrences(place: Span, code: str) -> Iterator[Span]:
    text = place.path.read_text("utf-8")
    tokens = _tokens(text[place.start : place.end])
    wanted = [token for token, _, _ in _tokens(code)]
    words = [token for token, _, _ in tokens]
    for at in range(len(words) - len(wanted) + 1):
        if words[at : at + len(wanted)] == wanted:
            yield Span(
                place.path,
                place.start + tokens[at][1],
                place.start + tokens[at + len(wanted) - 1][2],
            )


def _tokens(text: str) -> list[tuple[str, int, int]]:
    """Each token with its start and end. A comma before a closing bracket is none, nor is a
    comment."""
    tokens: list[tuple[str, int, int]] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if match.lastgroup == "comment":
            continue
        if match.lastgroup == "string":
            token = token.replace("'", '"')
        if token in _CLOSING and tokens and tokens[-1][0] == ",":
            tokens.pop()
        tokens.append((token, match.start(), match.end()))
    return tokens
