"""Looks at the files of TLS before anything listens."""

from __future__ import annotations

from pathlib import Path

from server.config.private_files import UnfitFileError, read_private
from server.config.settings import PREFIX, Settings
from server.config.sources import ConfigError

_READ = ("tls_cert", "tls_client_ca", "api_ca")


def require_tls_files(settings: Settings) -> None:
    """Raises ConfigError, with the setting, for one that cannot be read, and for a key that is not
    its owner's alone."""
    readers = dict.fromkeys(_READ, Path.read_bytes) | {"tls_key": read_private}
    for name, read in readers.items():
        if path := getattr(settings, name):
            try:
                read(Path(path))
            except UnfitFileError as error:
                raise ConfigError(f"{_variable(name)}: {error}") from None
            except OSError as error:
                raise ConfigError(
                    f"{_variable(name)}: cannot read {path}: {error.strerror}"
                ) from None


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"
