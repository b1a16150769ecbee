"""Reads secrets from files of their own: `sms_token_file` names one that holds `sms_token`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from server.config.private_files import read_private
from server.config.settings import BY_FILE, SECRETS

SUFFIX = "_file"


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
            except OSError as error:
                reasons[key] = f"cannot read {path}: {error.strerror}"
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
