"""Looks at the files of TLS before anything listens."""

from __future__ import annotations

from pathlib import Path

from server.config.secret_files import read_private
from server.config.settings import PREFIX, Settings
from server.config.sources import ConfigError

_READ = ("tls_cert", "tls_client_ca", "api_ca")


def require_tls_files(settings: Settings) -> None:
    """Raises ConfigError, with the setting, for one that cannot be read, and for a key that is not
    its owner's alone."""
    for name in _READ:
        if path := getattr(settings, name):
            try:
                Path(path).read_bytes()
            except OSError as error:
                raise ConfigError(
                    f"{_variable(name)}: cannot read {path}: {error.strerror}"
                ) from None
    if settings.tls_key:
        try:
            read_private(Path(settings.tls_key))
        except ValueError as error:
            raise ConfigError(f"{_variable('tls_key')}: {error}") from None


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"
