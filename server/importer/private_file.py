"""Opens the files that an import writes beside the one it reads: their owner's alone, and never by
a symbolic link, which somebody else may have put there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from server.importer.errors import ImportStopped


def open_private(path: Path, flags: int) -> int:
    """The descriptor of the file. Raises OSError, and ImportStopped if it is a symbolic link."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ImportStopped(f"{path} is a symbolic link; remove it") from None
        raise
