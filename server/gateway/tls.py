"""Envoy's TLS: of the listener, by files that it reads again when others take their place, and to
API replicas."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from server.config import Address, Settings
from server.config.values import is_address

SECRETS_FILE = "tls.yaml"
_TYPES = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
# Forward secret and authenticated; of TLS 1.3 all are.
_CIPHERS = [
    f"ECDHE-{kind}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for kind in ("ECDSA", "RSA")
]


def secrets(settings: Settings) -> str:
    """What Envoy reads as `SECRETS_FILE`: where certificate, key and authorities are."""
    certificate = Path(settings.tls_cert).absolute()
    found: list[dict[str, Any]] = [
        {
            "@type": f"{_TYPES}.Secret",
            "name": "server",
            "tls_certificate": {
                "certificate_chain": {"filename": str(certificate)},
                "private_key": {"filename": str(Path(settings.tls_key).absolute())},
                "watched_directory": {"path": str(certificate.parent)},
            },
        }
    ]
    if settings.tls_client_ca:
        authorities = Path(settings.tls_client_ca).absolute()
        found.append(
            {
                "@type": f"{_TYPES}.Secret",
                "name": "clients",
                "validation_context": {
                    "trusted_ca": {"filename": str(authorities)},
                    "watched_directory": {"path": str(authorities.parent)},
                },
            }
        )
    return yaml.safe_dump({"resources": found}, sort_keys=False)


def listener_socket(settings: Settings, secrets_file: Path) -> dict[str, Any]:
    """The transport socket of a listener that speaks TLS."""
    context: dict[str, Any] = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "cipher_suites": _CIPHERS},
        "tls_certificate_sds_secret_configs": [_secret("server", secrets_file)],
    }
    if settings.tls_client_ca:
        context["validation_context_sds_secret_config"] = _secret("clients", secrets_file)
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


def _secret(name: str, file: Path) -> dict[str, Any]:
    source = {"path_config_source": {"path": str(file)}, "resource_api_version": "V3"}
    return {"name": name, "sds_config": source}
