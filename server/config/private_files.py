"""Reads files that hold secrets or private keys, which are their owner's alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""What the group and everybody may do with a file."""
LONGEST = 64 * 1024


class UnfitFileError(ValueError):
    """No file to keep a secret in; the text names it, the reason, and the remedy if others than its
    owner may use it."""


def read_private(path: Path) -> bytes:
    """What is in a file. Raises UnfitFileError if it is not its owner's alone, no file, or longer
    than LONGEST bytes; OSError."""
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise UnfitFileError(f"{path} is not a file")
        if mode & OTHERS:
            raise UnfitFileError(
                f"{path} has mode {stat.S_IMODE(mode):04o}, so that others than its owner may use "
                f"it: chmod 600 {path}"
            )
        content = file.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise UnfitFileError(f"{path} is longer than {LONGEST} bytes")
    return content
