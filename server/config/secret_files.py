"""Reads secrets from files of their own: `sms_token_file` names one that holds `sms_token`."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from server.config.settings import BY_FILE, SECRETS

SUFFIX = "_file"
OTHERS = 0o077
"""What the group and everybody may do with a file."""
LONGEST = 64 * 1024


def read_private(path: Path) -> bytes:
    """The content of a file that only its owner may use. Raises ValueError with the reason."""
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise ValueError(f"{path} is not a file")
            if state.st_mode & OTHERS:
                raise ValueError(f"others can use {path}: chmod 600 {path}")
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    if len(content) > LONGEST:
        raise ValueError(f"{path} is longer than {LONGEST} bytes")
    return content


def with_secrets(given: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """What is set, with secrets in the place of the names of their files; and by key, why one
    cannot be had."""
    read = dict(given)
    reasons: dict[str, str] = {}
    for name in BY_FILE:
        if (key := name + SUFFIX) not in read:
            continue
        path = str(read.pop(key))
        if name in read:
            reasons[key] = f"must not be set together with {name}"
        elif path:
            try:
                read[name] = _text(Path(path))
            except ValueError as error:
                reasons[key] = str(error)
    return read, reasons


def holds_secret(name: str, value: object) -> bool:
    """Whether it is a secret, or an address that may have one in it."""
    return bool(value) and (
        name in SECRETS or (name in BY_FILE and any(mark in str(value) for mark in "@?"))
    )


def _text(path: Path) -> str:
    """Without the line break that an editor leaves at its end."""
    try:
        return read_private(path).decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8") from None
