"""Shows how an import goes: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from server.importer.checkpoint import Counts, ImportProgress

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

SECONDS_BETWEEN_LINES = 10.0


def counted(counts: Counts) -> str:
    """Counts in words."""
    return f"{counts.read:,} rows read, {counts.put:,} put, {counts.rejected:,} rejected"


class BarView:
    """A progress bar on standard error."""

    def __init__(self) -> None:
        self._bar: ProgressBar[Counts] | None = None
        self._offset = 0

    def begin(self, size: int | None, offset: int) -> None:
        self._bar = click.progressbar(
            length=size,
            file=sys.stderr,
            show_percent=True,
            item_show_func=lambda counts: counted(counts) if counts else None,
        )
        self._bar.__enter__()
        self._bar.update(offset)
        self._offset = offset

    def show(self, progress: ImportProgress) -> None:
        if self._bar is not None:
            self._bar.update(progress.place.offset - self._offset, progress.counts)
            self._offset = progress.place.offset

    def tell(self, text: str) -> None:
        click.echo(f"\n{text}" if self._bar is not None else text, err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)


class LineView:
    """Lines on standard error."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` is in seconds, from anywhere."""
        self._now = now
        self._size: int | None = None
        self._last = now()

    def begin(self, size: int | None, offset: int) -> None:
        self._size = size

    def show(self, progress: ImportProgress) -> None:
        if self._now() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = self._now()
            part = f" ({progress.place.offset / self._size:.0%})" if self._size else ""
            self.tell(f"{counted(progress.counts)}{part}")

    def tell(self, text: str) -> None:
        click.echo(text, err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None
