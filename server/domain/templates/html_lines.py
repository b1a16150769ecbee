"""Lays text out in lines as it is made of HTML: white space collapses, blocks are kept apart, lists
and quotations have their marks."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WHITE = re.compile(r"\s+")
_UNSEEN = str.maketrans("", "", "\u00ad\u034f\u200b\ufeff")
"""Characters that only say where a line may break, and those that mails are padded with."""
_DEEPEST = 4
"""Lists and quotations within each other that are still set in."""


@dataclass(slots=True)
class _List:
    next_number: int | None
    """None: its items have no numbers."""


class Lines:
    """Takes text and where it is divided, gives lines."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._line: list[str] = []
        self._blank_before: int | None = None
        """Whether a blank line comes before the next, and in how many quotations."""
        self._lists: list[_List] = []
        self._quotations = 0
        self._bullet = ""
        self._marked: list[str] = []

    def write(self, text: str, *, as_it_is: bool = False) -> None:
        """Text of the present line; line ends in it count only where it is written as it is."""
        text = text.translate(_UNSEEN)
        if as_it_is:
            first, *others = text.splitlines() or [""]
            self._put(first)
            for other in others:
                self.end_line()
                self._put(other)
            return
        text = _WHITE.sub(" ", text)
        if not self._line or self._line[-1].endswith(" "):
            text = text.lstrip(" ")
        self._put(text)

    def write_after(self, text: str) -> None:
        """Text after the last word, before the blank that may follow it."""
        blank = bool(self._line) and self._line[-1].endswith(" ")
        if blank:
            self._line[-1] = self._line[-1].rstrip(" ")
        self._put(f" {text} " if blank else f" {text}")

    def next_cell(self) -> None:
        """Keeps the cells of a row apart."""
        if self._line:
            self._put("  ")

    def end_line(self) -> None:
        """Ends the line, also an empty one."""
        text = "".join(self._line).rstrip()
        self._line.clear()
        if self._blank_before is not None and self._done:
            self._done.append(_margin(self._blank_before).rstrip())
        self._blank_before = None
        self._done.append(f"{_margin(self._quotations)}{self._indent()}{text}".rstrip())

    def end_block(self) -> None:
        """Ends the line if there is something in it."""
        if "".join(self._line).strip():
            self.end_line()
        self._line.clear()

    def end_paragraph(self) -> None:
        """Ends the line, with a blank one before the next; within a list without."""
        self.end_block()
        if not self._lists:
            self._ask_for_blank()

    def open_list(self, first_number: int | None) -> None:
        """A list begins."""
        self._lists.append(_List(first_number))

    def close_list(self) -> None:
        """The innermost list ends."""
        if self._lists:
            self._lists.pop()
            self.end_paragraph()

    def start_item(self) -> None:
        """An item of the innermost list begins."""
        number = self._lists[-1].next_number if self._lists else None
        self._bullet = "- " if number is None else f"{number}. "
        if number is not None:
            self._lists[-1].next_number = number + 1

    def open_quotation(self) -> None:
        """A quotation begins."""
        self._quotations += 1

    def close_quotation(self) -> None:
        """The innermost quotation ends."""
        self._quotations = max(self._quotations - 1, 0)
        self._ask_for_blank()

    def mark(self) -> None:
        """Remembers this place."""
        self._marked.clear()

    def since_mark(self) -> str:
        """What was written since, on one line."""
        return _WHITE.sub(" ", "".join(self._marked)).strip()

    def finish(self) -> str:
        """All lines, with no blank ones at the ends and no two of them together."""
        self.end_block()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._done)).strip("\n")

    def _put(self, text: str) -> None:
        if text:
            self._line.append(text)
            self._marked.append(text)

    def _ask_for_blank(self) -> None:
        asked = self._blank_before
        self._blank_before = self._quotations if asked is None else min(asked, self._quotations)

    def _indent(self) -> str:
        depth = min(len(self._lists), _DEEPEST)
        bullet, self._bullet = self._bullet, ""
        return "  " * max(depth - 1, 0) + (bullet or "  " * bool(depth))


def _margin(quotations: int) -> str:
    return "> " * min(quotations, _DEEPEST)
