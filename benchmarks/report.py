"""The table, on the terminal and in docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import COLUMNS, Figure

BEGIN, END = "<!-- figures of `make bench`: begin -->", "<!-- figures of `make bench`: end -->"


def as_text(figure: Figure) -> str:
    """A figure, over a few lines."""
    what, median, beside, spread, target, result = figure.cells()
    against = f" | {beside}" if beside else ""
    values = (
        f"\n    {'ratio' if figure.beside else 'figure'} {spread} (min / median / max)"
        if spread
        else ""
    )
    goal = f", target {target}" if target else ""
    return "\n".join(
        [
            f"  {what}: {median}{against}{values}{goal}: {result}",
            *(f"    note: {note}" for note in figure.notes),
        ]
    )


def as_markdown(figures: Sequence[Figure]) -> str:
    """A table of all, and their notes."""
    rows = [list(COLUMNS), ["---"] * len(COLUMNS), *(figure.cells() for figure in figures)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    notes = [f"* {figure.what}: {note}" for figure in figures for note in figure.notes]
    return "\n\n".join([table, *(["\n".join(notes)] if notes else [])])


def as_page(facts: Sequence[str], figures: Sequence[Figure]) -> str:
    """What goes between the markers: how the figures came about, and the figures."""
    return "\n".join([*(f"* {fact}" for fact in facts), "", as_markdown(figures)])


def write_between_markers(path: Path, text: str) -> None:
    """Replaces what is between the markers, and nothing else. Raises ValueError if they are not
    there."""
    page = path.read_text("utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no place for the figures")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")
