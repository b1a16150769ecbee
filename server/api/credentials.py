"""TLS of the gRPC port, by certificates that may be replaced while it runs."""

from __future__ import annotations

import logging
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from server.config import Settings

_LOG = logging.getLogger(__name__)
State = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificate chain, its key and the authorities of clients are, in PEM."""

    certificate: Path
    key: Path
    client_ca: Path | None
    """None: clients need no certificate."""


def tls_files(settings: Settings) -> TlsFiles | None:
    """Those of the settings; None if TLS is not spoken."""
    if not settings.tls_cert:
        return None
    authorities = Path(settings.tls_client_ca) if settings.tls_client_ca else None
    return TlsFiles(Path(settings.tls_cert), Path(settings.tls_key), authorities)


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Credentials that look at the files whenever somebody connects. Raises OSError if they cannot
    be used now."""
    source = _Certificates(files)
    return grpc.dynamic_ssl_server_credentials(
        source.first,
        source.changed,  # type: ignore[arg-type]  # None is "no change", as it documents
        require_client_authentication=files.client_ca is not None,
    )


class _Certificates:
    """The files as they were when they last fitted together."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._paths = [path for path in (files.certificate, files.key, files.client_ca) if path]
        self._state = self._look()
        self.first = self._read()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """The new ones, if there are; None also while they cannot be used, as between the
        replacement of one file and the next. Called for each connection."""
        try:
            state = self._look()
            if state == self._state:
                return None
            self._state = state
            return self._read()
        except OSError as error:
            _LOG.warning("the certificate cannot be used, the one before stays: %s", error)
            return None

    def _look(self) -> State:
        states = map(os.stat, self._paths)
        return tuple((state.st_ino, state.st_size, state.st_mtime_ns) for state in states)

    def _read(self) -> grpc.ServerCertificateConfiguration:
        files = self._files
        # Finds out whether they fit (an SSLError is an OSError), and asks nobody for a password.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            files.certificate, files.key, lambda: ""
        )
        return grpc.ssl_server_certificate_configuration(
            [(files.key.read_bytes(), files.certificate.read_bytes())],
            None if files.client_ca is None else files.client_ca.read_bytes(),
        )
