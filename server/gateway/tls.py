"""Envoy's TLS: of the listener, by files that it reads again when others take their place, and to
API replicas."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from server.config import Address, Settings
from server.config.values import is_address

HANDSHAKE_SECONDS = 10
"""Longest that a client takes to agree on TLS."""
_TYPES = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
# Forward secret and authenticated; of TLS 1.3 all are.
_CIPHERS = [
    f"ECDHE-{kind}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for kind in ("ECDSA", "RSA")
]


def write_secrets(settings: Settings, directory: Path) -> None:
    """Writes what Envoy reads, one file each: where the certificate and its key are, and where the
    authorities of clients."""
    certificate = Path(settings.tls_cert).absolute()
    _write(
        directory,
        "server",
        tls_certificate={
            "certificate_chain": {"filename": str(certificate)},
            "private_key": {"filename": str(Path(settings.tls_key).absolute())},
        },
    )
    if settings.tls_client_ca:
        authorities = Path(settings.tls_client_ca).absolute()
        _write(
            directory,
            "clients",
            validation_context={"trusted_ca": {"filename": str(authorities)}},
        )


def listener_socket(settings: Settings, directory: Path) -> dict[str, Any]:
    """The transport socket of a listener that speaks TLS by the secrets in a directory."""
    context: dict[str, Any] = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "cipher_suites": _CIPHERS},
        "tls_certificate_sds_secret_configs": [_secret("server", directory)],
    }
    if settings.tls_client_ca:
        context["validation_context_sds_secret_config"] = _secret("clients", directory)
    return _socket(
        "DownstreamTlsContext",
        context,
        require_client_certificate=bool(settings.tls_client_ca),
    )


def replica_socket(settings: Settings, replicas: Iterable[Address]) -> dict[str, Any]:
    """The transport socket to replicas whose certificates name one of them."""
    names = [
        {
            "san_type": "IP_ADDRESS" if is_address(replica.host) else "DNS",
            "matcher": {"exact": replica.host},
        }
        for replica in replicas
    ]
    context: dict[str, Any] = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "validation_context": {
            "trusted_ca": {"filename": str(Path(settings.api_ca).absolute())},
            "match_typed_subject_alt_names": names,
        },
    }
    if settings.tls_cert:
        context["tls_certificates"] = [
            {
                "certificate_chain": {"filename": str(Path(settings.tls_cert).absolute())},
                "private_key": {"filename": str(Path(settings.tls_key).absolute())},
            }
        ]
    return _socket("UpstreamTlsContext", context)


def _socket(kind: str, context: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {"@type": f"{_TYPES}.{kind}", "common_tls_context": context, **more},
    }


def _write(directory: Path, name: str, **secret: Any) -> None:
    resource = {"@type": f"{_TYPES}.Secret", "name": name, **secret}
    text = yaml.safe_dump({"resources": [resource]}, sort_keys=False)
    _file(name, directory).write_text(text, "utf-8")


def _secret(name: str, directory: Path) -> dict[str, Any]:
    source = {
        "path_config_source": {"path": str(_file(name, directory))},
        "resource_api_version": "V3",
    }
    return {"name": name, "sds_config": source}


def _file(name: str, directory: Path) -> Path:
    return directory / f"tls-{name}.yaml"
