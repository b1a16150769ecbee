"""Builds one process of Carillon: chooses the database, the providers and the parts, and wires them
together. Nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from email.utils import parseaddr
from enum import StrEnum
from functools import cached_property, partial
from pathlib import Path
from random import SystemRandom
from typing import Any

from server.api.credentials import tls_files
from server.api.options import api_options
from server.api.policies import Policy
from server.api.scope_overrides import policies_with
from server.api.server import GrpcServer
from server.channels.provider import Provider
from server.channels.registry import build_providers
from server.channels.webpush.provider import WebPushProvider
from server.commands.operations.tokens import note_signing_key
from server.commands.sends.resolve_audience import resolve_audience_batch
from server.commands.sends.start import send_due_campaign
from server.config import ConfigError, Settings
from server.config.tls_files import require_tls_files
from server.dispatch.delivery.push_subscriptions import StoredSubscriptions
from server.dispatch.dispatcher import Dispatcher
from server.dispatch.loop import STOPPING, Loop, always, run_loop
from server.dispatch.maintenance import clock_sync
from server.dispatch.maintenance.clock_sync import ClockSync
from server.dispatch.storage import DeliveryStorage
from server.domain.access import Caller, Principal
from server.domain.clock import Clock, DatabaseClock
from server.gateway.errors import GatewayError
from server.gateway.ports import require_free
from server.gateway.supervisor import Gateway
from server.identity.build import token_verifier
from server.identity.http import IdentityClient
from server.identity.signing_keys import fingerprint
from server.identity.verifier import TokenVerifier
from server.runtime import disk_watch
from server.runtime.demo import Demo, mint_demo_token, seed_demo
from server.runtime.disk_watch import DiskWatch, fewest_free, watched_directories
from server.runtime.keys import Keys
from server.runtime.metrics import Metrics
from server.runtime.readiness import ReadinessCheck
from storage.contract.storage import Storage
from storage.contract.work import TimeLimits
from storage.model.audit import SERVICE
from storage.sql.open import migrate, open_storage

CONFIG_ROOT = Path(__file__).resolve().parent.parent
"""Where `envoy.yaml` and `generated/` are."""


class Part(StrEnum):
    """What a process can run."""

    API = "api"
    DISPATCHER = "dispatcher"
    GATEWAY = "gateway"


EVERYTHING = frozenset(Part)
ITSELF = Principal(SERVICE, frozenset(), frozenset())
"""The service as a caller, in the audit log."""


class Service:
    """One process: starts the parts it runs in order, stops them in reverse."""

    def __init__(
        self,
        settings: Settings,
        parts: frozenset[Part] = EVERYTHING,
        *,
        clock: Clock | None = None,
        providers: Mapping[str, Provider] | None = None,
        web_push: Mapping[str, Any] | None = None,
        free_disk: Callable[[], int] | None = None,
    ) -> None:
        """`providers` replace those of the settings; `web_push` is how push services are reached
        (options of WebPushProvider) where that is not by the public internet; `free_disk` tells
        how many bytes are free instead of the disks."""
        self._settings = settings
        self._parts = parts
        self._clock = DatabaseClock() if clock is None else clock
        self._providers = providers
        self._web_push_options = web_push or {}
        # A process that runs one part on a server's database is one of several, which share keys.
        self.keys = Keys(settings, self._clock, may_create=len(parts) > 1 or settings.is_embedded)
        self.storage: Storage | None = None
        self.dispatcher: Dispatcher | None = None
        self.metrics = Metrics()
        self.gateway: Gateway | None = None
        self._server: GrpcServer | None = None
        self._identity_client: IdentityClient | None = None
        directories = watched_directories(settings, dispatches=Part.DISPATCHER in parts)
        self._watches_disk = bool(settings.min_free_disk and directories)
        self.disk = DiskWatch(
            settings.min_free_disk, free_disk or partial(fewest_free, directories), self.metrics
        )
        self._stopping = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    @cached_property
    def policies(self) -> Mapping[str, Policy]:
        """What each method asks of its callers. Raises ConfigError for a bad file of scopes."""
        return policies_with(self._settings.scopes_file)

    @property
    def _own_socket(self) -> Path | None:
        """Where the API and the gateway of one process meet, whoever crowds the port of gRPC."""
        together = self._parts >= {Part.API, Part.GATEWAY} and not self._settings.api_addresses
        return self._settings.data_dir.absolute() / "api.sock" if together else None

    async def start(self) -> None:
        """Starts the parts. If one cannot start, those before it are stopped, and its error is
        raised."""
        require_tls_files(self._settings)
        try:
            if self._parts & {Part.API, Part.DISPATCHER}:
                await self._open_storage()
            if Part.API in self._parts:
                await self._start_api()
            if Part.GATEWAY in self._parts:
                self.gateway = Gateway(
                    self._settings, config_root=CONFIG_ROOT, api=self._own_socket
                )
                await self.gateway.start()
            if Part.DISPATCHER in self._parts:
                await self._start_dispatcher()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Takes no more requests, finishes those in progress and what is with a provider, gives
        back the rest, lets go of the database."""
        if self.gateway is not None:
            await self.gateway.stop()
        if self._server is not None:
            await self._server.stop(drain=self._drain_seconds)
        if self._identity_client is not None:
            await self._identity_client.close()
        if self.dispatcher is not None:
            await self.dispatcher.stop()
        self.metrics.stop()
        self._stopping.set()
        if self.storage is not None:
            self.storage.signals.fire([STOPPING])
            await asyncio.gather(*self._loops)
            await self.storage.close()

    @property
    def _drain_seconds(self) -> int:
        """Seconds to go on serving: 0 for an API whose only gateway is in this process and has
        stopped, or that is the only one there can be."""
        own_gateway = Part.GATEWAY in self._parts and not self._settings.api_addresses
        return 0 if own_gateway or self._settings.is_embedded else self._settings.drain_seconds

    async def run_until(self, stop: asyncio.Event) -> None:
        """Returns when `stop` is set. Raises GatewayError if Envoy is given up before."""
        waits: list[asyncio.Task[object]] = [asyncio.create_task(stop.wait())]
        if self.gateway is not None:
            waits.append(asyncio.create_task(self.gateway.wait()))
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        for wait in done:
            wait.result()

    async def seed(self) -> Demo | None:
        """Fills an empty database with the demo brand; None if it is not empty."""
        assert self.storage is not None, "started with the API or the dispatcher"
        now = self._clock.now()
        return await self.storage.write(lambda tx: seed_demo(tx, now))

    async def mint_for_demo(self, scopes: Sequence[str], lifetime: timedelta) -> str | None:
        """A token for the demo brand, which the audit log knows of; None if there is no such
        brand."""
        assert self.storage is not None, "started with the API or the dispatcher"
        caller = Caller(ITSELF, self._clock.now())
        return await mint_demo_token(self.storage, self.keys.tokens, caller, scopes, lifetime)

    async def _open_storage(self) -> None:
        url = self._settings.effective_database_url
        if self._parts == EVERYTHING:
            await migrate(url)
        limits = TimeLimits(
            calls=self._settings.read_seconds, previews=self._settings.preview_seconds
        )
        self.storage = await open_storage(url, share_signals=True, limits=limits)
        if isinstance(self._clock, DatabaseClock) and not self.storage.exclusive:
            await self._clock.measure(self.storage.now)
            self._run(ClockSync(self.storage, self._clock), self.storage, clock_sync.INTERVAL)
        if self._watches_disk:
            await self.disk.run_once()
            self._run(self.disk, self.storage, disk_watch.INTERVAL)

    def _run(self, loop: Loop, storage: Storage, interval: float) -> None:
        work = run_loop(loop, storage.signals, self._clock, lambda: interval, self._stopping)
        self._loops.append(asyncio.create_task(work, name=loop.name))

    async def _start_api(self) -> None:
        assert self.storage is not None
        settings, own = self._settings, self._own_socket
        if not settings.grpc_socket:
            # gRPC notices a taken port too, but writes a line of its own about it.
            require_free(settings.grpc_bind, settings.grpc_port, "CARILLON_GRPC_PORT")
        key, now = fingerprint(self.keys.tokens.keys.newest), self._clock.now()
        await self.storage.write(lambda tx: note_signing_key(tx, key, now))
        readiness = self._readiness(self.storage)
        server = GrpcServer(
            self.storage,
            self._clock,
            self._verifier(self.storage),
            self.keys.links,
            readiness.waiting_for,
            readiness.database_answers,
            api_options(
                settings,
                self.policies,
                # What a PostgreSQL server keeps is not on a disk of ours.
                has_room=self.disk.has_room if settings.is_embedded else always,
                push_key=self.keys.web_push_public,
                email_secrets=self.keys.email_secrets,
            ),
        )
        try:
            beside = [] if own is None else [f"unix:{own}"]
            await server.start(settings.grpc_listen, *beside, tls=tls_files(settings))
        except OSError as error:
            name = "CARILLON_GRPC_BIND" if settings.grpc_socket else "CARILLON_GRPC_PORT"
            raise GatewayError(f"{name}: {error}") from None
        self._server = server

    def _verifier(self, storage: Storage) -> TokenVerifier:
        self._identity_client = IdentityClient()
        return token_verifier(
            self._settings,
            self.keys.tokens,
            self._identity_client,
            self._clock,
            lambda token_id: storage.read(lambda tx: tx.revocations.has(token_id)),
        )

    def _readiness(self, storage: Storage) -> ReadinessCheck:
        # The API starts first, so the other parts are asked for when somebody asks.
        parts: dict[Part, Callable[[], bool]] = {
            Part.DISPATCHER: lambda: self.dispatcher is not None and self.dispatcher.ready,
            Part.GATEWAY: lambda: self.gateway is not None and self.gateway.ready,
        }
        return ReadinessCheck(
            storage,
            {part.value: ready for part, ready in parts.items() if part in self._parts},
            self.disk.has_room,
        )

    async def _start_dispatcher(self) -> None:
        assert self.storage is not None
        self.metrics.serve(self._settings.metrics_bind, self._settings.metrics_port)
        dispatcher = Dispatcher(
            storage=DeliveryStorage(self.storage),
            clock=self._clock,
            providers=self._build_providers() if self._providers is None else self._providers,
            start_due=send_due_campaign,
            resolve_batch=resolve_audience_batch,
            unsubscribe_link=self.keys.links.link,
            random=SystemRandom(),
            directory=self._settings.data_dir,
            rates=self._settings.rates,
            bytes_per_second=self._settings.brand_bytes,
            retention_days=self._settings.retention_days,
            metrics=self.metrics,
            has_room=self.disk.has_room,
        )
        self.dispatcher = dispatcher
        await dispatcher.start()

    def _web_push(self) -> WebPushProvider | None:
        if self.keys.web_push is None:
            return None
        assert self.storage is not None
        return WebPushProvider(
            StoredSubscriptions(DeliveryStorage(self.storage), self._clock),
            self.keys.web_push,
            f"mailto:{parseaddr(self._settings.mail_from)[1]}",
            clock=self._clock,
            **self._web_push_options,
        )

    def _build_providers(self) -> Mapping[str, Provider]:
        try:
            return build_providers(self._settings, self._web_push())
        except ValueError as error:
            raise ConfigError(f"CARILLON_SMTP_URL or CARILLON_MAIL_FROM: {error}") from None
