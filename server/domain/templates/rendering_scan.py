"""Scans Liquid source before the parser sees it, in one pass.

python-liquid's lexer is one regular expression that tries to close every `{{`, `{%`, `raw` and
`doc` anew, so that source with many unclosed ones, or a long run of blanks in one, takes time that
grows with its square or worse (100 kB of `{% raw %}`: 8 s; 100 kB of `{{`: minutes). All such
source is wrong anyway: it is refused here, in one pass, with the line of the mistake.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_BLANKS_IN_TAG = 100
"""Longest run of white space inside `{{ }}` or `{% %}`, in characters."""

_OPENING = re.compile(r"\{\{|\{%")
_NAMED_TAG = re.compile(r"\{%-?\s*(?:#|\w)")
_VERBATIM = re.compile(r"\{%-?\s*(raw|doc)\s*-?%\}")
_END_OF = {name: re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}") for name in ("raw", "doc")}
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, for people, and the offset in the source where it starts."""

    text: str
    offset: int


def find_flaw(source: str) -> Flaw | None:
    """The first tag that the lexer could not close, or None. Takes time linear in the source."""
    position = 0
    while opening := _OPENING.search(source, position):
        step = (
            _after_output(source, opening.start())
            if opening.group() == "{{"
            else _after_tag(source, opening.start())
        )
        if isinstance(step, Flaw):
            return step
        position = step
    return None


def _after_output(source: str, start: int) -> int | Flaw:
    end = source.find("}}", start + 2)
    return Flaw("'{{' is never closed", start) if end < 0 else _after_inner(source, start, end)


def _after_tag(source: str, start: int) -> int | Flaw:
    if not _NAMED_TAG.match(source, start):
        return Flaw("'{%' is not followed by the name of a tag", start)
    if verbatim := _VERBATIM.match(source, start):
        end = _END_OF[verbatim.group(1)].search(source, verbatim.end())
        return end.end() if end else Flaw(f"tag '{verbatim.group(1)}' is never closed", start)
    close = source.find("%}", start + 2)
    return Flaw("'{%' is never closed", start) if close < 0 else _after_inner(source, start, close)


def _after_inner(source: str, start: int, end: int) -> int | Flaw:
    longest = max((len(run) for run in _BLANKS.findall(source, start, end)), default=0)
    return (
        Flaw("too much white space inside a tag", start) if longest > MAX_BLANKS_IN_TAG else end + 2
    )
