"""Runs an import from its first row to its last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Protocol

from server.importer.batches import Batch, Judge, batches
from server.importer.checkpoint import Checkpoint, Counts, ImportProgress, mark_of
from server.importer.delivery import BatchDelivery, PeopleService
from server.importer.errors import ImportStopped
from server.importer.lines import Lines
from server.importer.mapping import Columns, Mapper
from server.importer.rejects import Rejects
from server.importer.rows import CsvRows, JsonRows
from server.importer.source import ImportSource, format_of, open_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to import, and how to read it."""

    name: str
    """Path of the file; `-` is standard input."""
    destination: str
    """Brand and service: an import goes on only with the same."""
    format: str | None = None
    """None: as the file's name ends."""
    delimiter: str | None = None
    """Of CSV. None: as the first line of the file says, or a comma."""
    columns: Columns = field(default_factory=Columns)
    region: str | None = None
    """Of phone numbers without a country code."""
    rejects: Path | None = None
    """None: beside the file."""
    restart: bool = False
    batch_rows: int = 2000


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of an import."""

    counts: Counts
    """Of the whole file, with what was done before an interruption."""
    rows_now: int
    """Read after it."""
    rejects: Path


class View(Protocol):
    """Where the operator sees how it goes."""

    def begin(self, size: int | None, offset: int) -> None:
        """Reading begins at `offset` of `size` bytes."""
        ...

    def show(self, progress: ImportProgress) -> None:
        """Everything up to here is done."""
        ...

    def tell(self, text: str) -> None:
        """A line."""
        ...


def run_import(
    order: Order, service: PeopleService, view: View, pause: Callable[[float], None]
) -> Summary:
    """Puts every person of the file who can be put, and writes the others to the rejects file.

    Memory does not grow with the file. After an interruption the same order goes on where the last
    acknowledged batch ended. `pause` waits for so many seconds. Raises ImportStopped.
    """
    form = format_of(order.name, order.format)
    rejects_path = order.rejects or Path(
        f"{'stdin' if order.name == '-' else order.name}.rejects.jsonl"
    )
    try:
        with open_source(order.name) as source:
            if (
                source.path is not None
                and rejects_path.exists()
                and rejects_path.samefile(source.path)
            ):
                raise ImportStopped("the rejects cannot go to the file that is read")
            return _Import(order, form, source, rejects_path, service, view, pause).run()
    except OSError as error:
        raise ImportStopped(
            f"cannot use {error.filename or order.name}: {error.strerror}"
        ) from None


class _Import:
    def __init__(
        self,
        order: Order,
        form: str,
        source: ImportSource,
        rejects_path: Path,
        service: PeopleService,
        view: View,
        pause: Callable[[float], None],
    ) -> None:
        self._order = order
        self._lines = Lines(source.file)
        self._source = source
        self._service = service
        self._view = view
        self._pause = pause
        self._mapper = Mapper(order.columns)
        self._is_csv = form == "csv"
        self._rows = (
            CsvRows(self._lines, order.delimiter) if self._is_csv else JsonRows(self._lines)
        )
        if isinstance(self._rows, CsvRows):
            header = self._rows.read_header()
            self._mapper.prepare(header)
            view.tell(f"columns: {self._mapper.describe(header)}")
        self._checkpoint = self._open_checkpoint(rejects_path)
        self._progress = self._resume()
        self._rejects = Rejects(rejects_path, self._progress.rejects_bytes)

    def run(self) -> Summary:
        before = self._progress.counts.read
        judge = Judge(self._mapper, self._is_csv, self._order.region, self._service.find_faults)
        self._view.begin(self._source.size, self._progress.place.offset)
        try:
            self._save()
            waiting: tuple[Batch, BatchDelivery] | None = None
            for batch in chain(
                batches(self._rows, judge, self._progress.place, self._order.batch_rows), [None]
            ):
                # In order, so that of two rows with one id the later holds; only the reading
                # overlaps with the service's work.
                if waiting is not None:
                    self._finish(*waiting)
                waiting = None if batch is None else (batch, self._deliver(batch))
        except (ImportStopped, KeyboardInterrupt):
            self._view.tell(self._how_to_go_on())
            raise
        if self._checkpoint is not None:
            self._checkpoint.remove()
        return Summary(
            self._progress.counts, self._progress.counts.read - before, self._rejects.path
        )

    def _deliver(self, batch: Batch) -> BatchDelivery:
        return BatchDelivery(self._service, [*batch.people.values()], self._pause, self._view.tell)

    def _finish(self, batch: Batch, delivery: BatchDelivery) -> None:
        rejects = sorted([*batch.rejects, *delivery.finish()], key=lambda reject: reject.row.line)
        self._rejects.append(rejects)
        before = self._progress.counts
        counts = Counts(
            before.read + batch.rows,
            before.put + batch.rows - len(rejects),
            before.rejected + len(rejects),
        )
        self._progress = ImportProgress(batch.end, counts, self._rejects.length)
        self._save()
        self._view.show(self._progress)

    def _open_checkpoint(self, rejects_path: Path) -> Checkpoint | None:
        if self._source.path is None:
            return None
        order = self._order
        options: dict[str, object] = {
            "destination": order.destination,
            "csv": self._is_csv,
            "delimiter": self._rows.delimiter if isinstance(self._rows, CsvRows) else None,
            "map": dict(order.columns.mapped),
            "ignore": sorted(order.columns.ignored),
            "typed": order.columns.typed,
            "region": order.region,
            "rejects": str(rejects_path),
        }
        return Checkpoint(
            Path(f"{self._source.path}.checkpoint.json"), mark_of(self._source.file), options
        )

    def _resume(self) -> ImportProgress:
        begin = ImportProgress(place=self._lines.place)
        if self._checkpoint is None:
            return begin
        if self._order.restart:
            self._checkpoint.remove()
        progress = self._checkpoint.load()
        if progress is None:
            return begin
        self._lines.go_to(progress.place)
        self._view.tell(
            f"going on at line {progress.place.line:,}, after {progress.counts.read:,} rows; "
            f"--restart begins again"
        )
        return progress

    def _save(self) -> None:
        if self._checkpoint is not None:
            self._checkpoint.save(self._progress)

    def _how_to_go_on(self) -> str:
        done = f"stopped after {self._progress.counts.read:,} rows"
        if self._checkpoint is None:
            return (
                f"{done}; this input cannot be read again from there, but to put a person twice "
                f"does no harm"
            )
        return f"{done}; the same command goes on from there"
