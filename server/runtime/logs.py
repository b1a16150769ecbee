"""Sets up the log: one line an event on standard error, in UTC. No address, variable, body or token
is ever logged."""

from __future__ import annotations

import logging
import sys
import time
from typing import TextIO

from server.runtime.repeats import Repeats

GRPC = "grpc._cython.cygrpc"
QUIET = ("alembic", "grpc", GRPC, "asyncio", "httpx", "httpcore")
"""Libraries whose chatter is of no use to an operator, or tells what others said to us; their
warnings still show."""


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines, and counts those that come again and again."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the line, or counts it; before it, what was counted in a minute that is over.
        Called by one thread at a time."""
        for told in self._repeats.take_over():
            super().emit(told)
        if self._repeats.take(record):
            super().emit(record)

    def close(self) -> None:
        """Writes what was counted."""
        for told in self._repeats.take_over(all_of_them=True):
            super().emit(told)
        super().close()


def configure_logging(level: str) -> None:
    """Sets up the root logger. `level` is debug, info, warning or error."""
    handler = _Lines(sys.stderr)
    formatter = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(GRPC).addFilter(_tells_no_metadata)


def _tells_no_metadata(record: logging.LogRecord) -> bool:
    """Leaves out what gRPC says of metadata that are not UTF-8: all of them, a token too."""
    return not str(record.msg).startswith("Invalid encoding")
