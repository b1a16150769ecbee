"""Makes the configuration Envoy runs with: `envoy.yaml`, with the addresses, ports and limits of
the settings in place."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from server.config import Settings
from server.config.values import is_address
from server.gateway import tls
from server.gateway.admin import SOCKET
from server.gateway.errors import GatewayError
from server.runtime.descriptors import room_for

CONFIG_FILE = "envoy.yaml"
HELD_BYTES = 1024 * 1024 * 1024
"""What Envoy's workers together may hold of large bodies that are not whole: half its heap."""
_LUA_LIMIT = re.compile(r"max_request_bytes = \d+")
_LUA_HELD = re.compile(r"most = \d+")


def write(settings: Settings, config_root: Path, api: Path | None = None) -> Path:
    """Writes `<data_dir>/envoy/envoy.yaml` and returns its path, absolute. Its own paths stay
    relative to `config_root`: start Envoy there. `api`: the socket of an API in the same process.

    Raises GatewayError when `envoy.yaml` is not in `config_root`.
    """
    source = config_root / CONFIG_FILE
    if not source.is_file():
        raise GatewayError(f"{source} does not exist: start Carillon from its own directory")
    target = _directory(settings) / CONFIG_FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    if settings.tls_cert:
        tls.write_secrets(settings, target.parent)
    target.write_text(render(source.read_text("utf-8"), settings, api), "utf-8")
    return target


def admin_socket(settings: Settings) -> Path:
    """The Unix socket of Envoy's admin page."""
    return _directory(settings) / SOCKET


def render(source: str, settings: Settings, api: Path | None = None) -> str:
    """The text of `envoy.yaml` with the settings in place."""
    bootstrap = yaml.safe_load(source)
    bootstrap["admin"]["address"]["pipe"]["path"] = str(admin_socket(settings))
    listener = _only(bootstrap["static_resources"]["listeners"])
    _socket(listener).update(address=settings.bind, port_value=settings.rest_port)
    _set_upstream(_only(bootstrap["static_resources"]["clusters"]), settings, api)
    _set_connections(bootstrap["overload_manager"], room_for(settings.max_connections))
    chain = _only(listener["filter_chains"])
    if settings.tls_cert:
        chain["transport_socket"] = tls.listener_socket(settings, _directory(settings))
        chain["transport_socket_connect_timeout"] = f"{tls.HANDSHAKE_SECONDS}s"
    manager = _only(chain["filters"])["typed_config"]
    _set_request_limit(manager, settings.max_request_bytes)
    _set_origins(manager, settings.effective_cors_origins)
    return yaml.safe_dump(bootstrap, sort_keys=False)


def _directory(settings: Settings) -> Path:
    return settings.data_dir.absolute() / "envoy"


def _set_upstream(cluster: dict[str, Any], settings: Settings, api: Path | None) -> None:
    """Replicas that are named, or else the API in this process, or else the one on this host."""
    path = str(api or settings.grpc_socket)
    if (api or settings.grpc_socket) and not settings.api_addresses:
        _set_endpoints(cluster, [{"pipe": {"path": path}}], "STATIC")
        return
    addresses = settings.effective_api_addresses
    if settings.api_ca:
        cluster["transport_socket"] = tls.replica_socket(settings, addresses)
    # Names need a resolver; without any, Envoy is ready without having asked one.
    kind = "STATIC" if all(is_address(address.host) for address in addresses) else "STRICT_DNS"
    sockets = [{"address": address.host, "port_value": address.port} for address in addresses]
    _set_endpoints(cluster, [{"socket_address": socket} for socket in sockets], kind)


def _set_endpoints(cluster: dict[str, Any], places: Sequence[dict[str, Any]], kind: str) -> None:
    cluster["type"] = kind
    _only(cluster["load_assignment"]["endpoints"])["lb_endpoints"] = [
        {"endpoint": {"address": place}} for place in places
    ]


def _set_connections(overload: dict[str, Any], most: int) -> None:
    monitors = {each["name"]: each["typed_config"] for each in overload["resource_monitors"]}
    monitors["envoy.resource_monitors.global_downstream_max_connections"][
        "max_active_downstream_connections"
    ] = most


def _set_request_limit(manager: dict[str, Any], limit: int) -> None:
    """Three places must agree: what Lua refuses by its length, what Envoy holds for another try,
    and what the transcoder reads."""
    _only(manager["route_config"]["virtual_hosts"])["request_body_buffer_limit"] = limit
    filters = {item["name"]: item["typed_config"] for item in manager["http_filters"]}
    filters["envoy.filters.http.grpc_json_transcoder"]["max_request_body_size"] = limit
    # One body of any size that is taken must fit. Envoy has a worker for each processor.
    most = max(limit, HELD_BYTES // (os.cpu_count() or 1))
    lua = filters["carillon.rest"]["default_source_code"]
    text = _LUA_LIMIT.sub(f"max_request_bytes = {limit}", lua["inline_string"])
    lua["inline_string"] = _LUA_HELD.sub(f"most = {most}", text)


def _set_origins(manager: dict[str, Any], origins: Sequence[str]) -> None:
    policy = _only(manager["route_config"]["virtual_hosts"])["typed_per_filter_config"][
        "envoy.filters.http.cors"
    ]
    policy["allow_origin_string_match"] = [{"exact": origin} for origin in origins]


def _socket(holder: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = holder["address"]["socket_address"]
    return found


def _only(items: list[dict[str, Any]]) -> dict[str, Any]:
    (item,) = items
    return item
