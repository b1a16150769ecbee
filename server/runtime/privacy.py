"""Keeps what an installation writes to its owner: messages, addresses, keys and logs are in it."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

from server.config.private_files import OTHERS

_LOG = logging.getLogger(__name__)

WRITTEN_HERE = ("api.sock", "carillon.db*", "dispatcher*", "envoy", "keys", "outbox")
"""What Carillon puts into its data directory. Nothing else there is touched."""


def tighten(data_dir: Path) -> None:
    """Takes from others what earlier versions let them read. A directory is closed and what is in
    it left as it is, out of reach."""
    opened = [path for path in _entries(data_dir) if path.lstat().st_mode & OTHERS]
    for path in opened:
        path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~OTHERS)
    if opened:
        names = ", ".join(path.name for path in opened)
        _LOG.warning("others could read %s in %s: closed to all but the owner", names, data_dir)


def _entries(data_dir: Path) -> Iterator[Path]:
    """What was written here; no symbolic links, whose ends are somebody else's."""
    for pattern in WRITTEN_HERE:
        yield from (path for path in sorted(data_dir.glob(pattern)) if not path.is_symlink())
