"""TLS of REST and gRPC: nothing else is spoken, clients show who they are, and certificates are
replaced without a restart."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.api.credentials import TlsFiles, server_credentials
from server.app import CONFIG_ROOT, Part, Service
from server.config import ConfigError, Settings
from server.database import migrate_database
from server.gateway.supervisor import Gateway
from tests.support.api.callers import GrpcCaller
from tests.support.api.running import free_ports
from tests.support.channels.certificate import Certificate, make_certificate

CHECK = health_pb2.HealthCheckRequest()


def stub_of(channel: grpc.aio.Channel) -> Any:
    return health_pb2_grpc.HealthStub(channel)


@dataclass
class Secured:
    """A service that speaks TLS with clients of one authority, and one of them."""

    settings: Settings
    server: Certificate
    client: Certificate

    @property
    def rest(self) -> str:
        return f"https://127.0.0.1:{self.settings.rest_port}"

    def context(self, *, known: bool = True) -> ssl.SSLContext:
        """A client's; `known`: it shows its certificate."""
        context = self.server.for_trusting_client()
        if known:
            context.load_cert_chain(self.client.certificate, self.client.key)
        return context

    def channel(self, *, known: bool = True) -> grpc.aio.Channel:
        own = (self.client.key, self.client.certificate) if known else (None, None)
        key, chain = (None if path is None else path.read_bytes() for path in own)
        roots = self.server.certificate.read_bytes()
        credentials = grpc.ssl_channel_credentials(roots, key, chain)
        return grpc.aio.secure_channel(self.settings.grpc_address, credentials)

    async def shown(self, port: int) -> bytes:
        """The certificate that a new connection gets to see."""
        context = self.context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        seen: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        return seen

    def replace(self, by: Certificate) -> None:
        """As an operator does: each file whole, under its name."""
        by.key.replace(self.server.key)
        by.certificate.replace(self.server.certificate)


def made(directory: Path) -> Certificate:
    directory.mkdir()
    return make_certificate(directory)


@pytest.fixture(scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    directory = tmp_path_factory.mktemp("tls")
    server, client = made(directory / "server"), made(directory / "client")
    rest, grpc_port = free_ports(2)
    settings = Settings(
        data_dir=directory,
        rest_port=rest,
        grpc_port=grpc_port,
        tls_cert=str(server.certificate),
        tls_key=str(server.key),
        tls_client_ca=str(client.certificate),
    )
    await migrate_database(settings)
    service = Service(settings, frozenset({Part.API, Part.GATEWAY}))
    await service.start()
    yield Secured(settings, server, client)
    await service.stop()


async def test_rest_and_grpc_answer_a_client_of_the_authority(secured: Secured) -> None:
    async with (
        httpx.AsyncClient(verify=secured.context()) as client,
        secured.channel() as channel,
    ):
        assert (await client.get(f"{secured.rest}/healthz")).status_code == 200
        answer = await GrpcCaller(channel, "").call("ops.ProbeService/CheckReadiness", {})
        assert answer.status == 200


async def test_clients_of_no_authority_get_no_answer(secured: Secured) -> None:
    async with httpx.AsyncClient(verify=secured.context(known=False)) as client:
        with pytest.raises((httpx.TransportError, ssl.SSLError)):
            await client.get(f"{secured.rest}/healthz")
    async with secured.channel(known=False) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub_of(channel).Check(CHECK, timeout=20)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_nothing_is_spoken_but_tls(secured: Secured) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://127.0.0.1:{secured.settings.rest_port}/healthz")
    async with grpc.aio.insecure_channel(secured.settings.grpc_address) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await stub_of(channel).Check(CHECK, timeout=20)


async def test_a_new_certificate_is_shown_without_a_restart(
    secured: Secured, tmp_path: Path
) -> None:
    new = made(tmp_path / "new")
    expected = ssl.PEM_cert_to_DER_cert(new.certificate.read_text())
    before = await secured.shown(secured.settings.grpc_port)
    assert expected != before
    secured.replace(new)
    assert await secured.shown(secured.settings.grpc_port) == expected
    async with asyncio.timeout(20):
        while await secured.shown(secured.settings.rest_port) != expected:
            pass


async def test_a_certificate_of_another_key_changes_nothing(
    secured: Secured, tmp_path: Path
) -> None:
    port, new = secured.settings.grpc_port, made(tmp_path / "new")
    before = await secured.shown(port)
    new.key.replace(secured.server.key)
    assert await secured.shown(port) == before
    new.certificate.replace(secured.server.certificate)
    assert await secured.shown(port) == ssl.PEM_cert_to_DER_cert(
        secured.server.certificate.read_text()
    )


def test_nothing_starts_with_a_certificate_of_another_key(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other")
    with pytest.raises(OSError, match="mismatch"):
        server_credentials(TlsFiles(one.certificate, other.key, None))


async def test_a_gateway_elsewhere_speaks_tls_with_replicas_that_it_knows(
    secured: Secured, tmp_path: Path
) -> None:
    (rest,) = free_ports(1)
    settings = Settings(
        data_dir=tmp_path,
        rest_port=rest,
        api_addresses=secured.settings.grpc_address,
        api_ca=str(secured.server.certificate),
        tls_cert=str(secured.client.certificate),
        tls_key=str(secured.client.key),
    )
    gateway = Gateway(settings, config_root=CONFIG_ROOT)
    await gateway.start()
    try:
        context = secured.client.for_trusting_client()
        async with (
            asyncio.timeout(20),
            httpx.AsyncClient(base_url=f"https://127.0.0.1:{rest}", verify=context) as client,
        ):
            # Its first connection to the replica takes a moment.
            while (await client.get("/healthz")).status_code != 200:
                pass
    finally:
        await gateway.stop()


@asynccontextmanager
async def gateway_showing(
    directory: Path, certificate: Path, key: Path, client_ca: str = ""
) -> AsyncIterator[int]:
    """A gateway alone; its port."""
    (rest,) = free_ports(1)
    settings = Settings(
        data_dir=directory,
        rest_port=rest,
        tls_cert=str(certificate),
        tls_key=str(key),
        tls_client_ca=client_ca,
    )
    gateway = Gateway(settings, config_root=CONFIG_ROOT)
    await gateway.start()
    try:
        yield rest
    finally:
        await gateway.stop()


async def test_a_new_certificate_behind_a_link_is_shown_without_a_restart(
    secured: Secured, tmp_path: Path
) -> None:
    # As Kubernetes mounts a secret: files are links through a link, which alone is replaced.
    made(tmp_path / "old")
    expected = ssl.PEM_cert_to_DER_cert(made(tmp_path / "new").certificate.read_text())
    (tmp_path / "data").symlink_to("old")
    certificate, key = (tmp_path / name for name in ("certificate.pem", "key.pem"))
    for link in (certificate, key):
        link.symlink_to(f"data/{link.name}")
    async with asyncio.timeout(20), gateway_showing(tmp_path / "var", certificate, key) as port:
        assert await secured.shown(port) != expected
        (tmp_path / "next").symlink_to("new")
        (tmp_path / "next").replace(tmp_path / "data")
        while await secured.shown(port) != expected:
            pass


async def test_new_authorities_of_clients_count_without_a_restart(
    secured: Secured, tmp_path: Path
) -> None:
    own, before = made(tmp_path / "own"), made(tmp_path / "before")
    context = own.for_trusting_client()
    context.load_cert_chain(secured.client.certificate, secured.client.key)

    async def is_known(port: int) -> bool:
        try:
            async with httpx.AsyncClient(verify=context) as client:
                return bool((await client.get(f"https://127.0.0.1:{port}/healthz")).status_code)
        except (httpx.TransportError, ssl.SSLError):
            return False

    authorities = before.certificate
    async with (
        asyncio.timeout(20),
        gateway_showing(tmp_path, own.certificate, own.key, str(authorities)) as port,
    ):
        assert not await is_known(port)
        copy = tmp_path / "clients.pem"
        copy.write_bytes(secured.client.certificate.read_bytes())
        copy.replace(authorities)
        while not await is_known(port):
            pass


async def test_a_key_in_another_directory_may_come_last(secured: Secured, tmp_path: Path) -> None:
    own, new = made(tmp_path / "own"), made(tmp_path / "new")
    key = tmp_path / "keys" / "key.pem"
    key.parent.mkdir()
    own.key.replace(key)
    expected = ssl.PEM_cert_to_DER_cert(new.certificate.read_text())
    async with asyncio.timeout(20), gateway_showing(tmp_path, own.certificate, key) as port:
        new.certificate.replace(own.certificate)
        assert await secured.shown(port) != expected
        new.key.replace(key)
        while await secured.shown(port) != expected:
            pass


async def test_a_key_that_others_can_use_is_refused(secured: Secured, tmp_path: Path) -> None:
    own = made(tmp_path / "own")
    own.key.chmod(0o640)
    settings = secured.settings.model_copy(
        update={"tls_key": str(own.key), "tls_cert": str(own.certificate)}
    )
    with pytest.raises(ConfigError, match=r"^CARILLON_TLS_KEY: .* so that others .* chmod 600"):
        await Service(settings).start()
