"""Lines of the log that come again and again are counted, and told once."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from server.runtime.logs import _Lines
from server.runtime.repeats import MOST, WINDOW, Repeats


class Steady:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Log:
    """A log and what was written to it."""

    def __init__(self) -> None:
        self.clock = Steady()
        self._written = io.StringIO()
        self.handler = _Lines(self._written)
        self.handler._repeats = Repeats(self.clock)
        self.ours = self._logger("server.of.a.test")
        self.library = self._logger("library.of.a.test")

    def _logger(self, name: str) -> logging.Logger:
        logger = logging.getLogger(name)
        logger.propagate, logger.handlers = False, [self.handler]
        logger.setLevel(logging.DEBUG)
        return logger

    @property
    def lines(self) -> list[str]:
        return self._written.getvalue().splitlines()


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    yield log
    log.handler.close()


def test_the_same_text_is_written_so_often_a_minute_and_then_counted(log: Log) -> None:
    for number in range(MOST + 412):
        log.ours.error("refused %s", number)
    assert log.lines == [f"refused {number}" for number in range(MOST)]
    log.ours.error("something else")
    assert log.lines[MOST:] == ["something else"]
    log.clock.now += WINDOW
    log.ours.info("anything")
    log.ours.error("refused %s", "again")
    assert log.lines[MOST + 1 :] == [
        f"… and 412 more like it within a minute, the last: refused {MOST + 411}",
        "anything",
        "refused again",
    ]


def test_a_trace_is_written_no_more_often_than_its_line(log: Log) -> None:
    for _ in range(1000):
        try:
            raise ValueError("what is wrong")
        except ValueError:
            log.ours.exception("a pass failed")
    assert log.lines.count("ValueError: what is wrong") == MOST


def test_a_library_that_fills_in_its_values_itself_is_counted_by_name(log: Log) -> None:
    for number in range(1000):
        log.library.warning(f"Task {number} was destroyed")
    assert len(log.lines) == MOST


def test_what_tells_ids_is_counted_by_its_whole_text(log: Log) -> None:
    for number in range(3 * MOST):
        log.ours.error("fault %s", number, extra={"by_text": True})
    assert len(log.lines) == 3 * MOST
    for _ in range(1000):
        log.ours.error("fault %s", "the-same", extra={"by_text": True})
    assert len(log.lines) == 4 * MOST


def test_what_no_caller_makes_is_not_counted(log: Log) -> None:
    for _ in range(1000):
        log.ours.info("started")
    assert len(log.lines) == 1000


def test_what_was_counted_is_told_at_the_end_too(log: Log) -> None:
    for _ in range(MOST + 3):
        log.ours.warning("late")
    log.handler.close()
    assert log.lines[-1] == "… and 3 more like it within a minute, the last: late"
