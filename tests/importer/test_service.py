"""`carillon import` as a process of its own, into a real service that is killed under it, and that
it is killed under."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from carillon.messaging.v1 import person_service_pb2, person_service_pb2_grpc
from server.app import Part, Service
from server.config import Settings
from server.database import migrate_database
from server.identity.key_store import signing_keys
from server.importer.client import GrpcPeopleService, people_service
from server.importer.errors import ImportStopped
from server.importer.run import Order, run_import
from tests.brands import create_brands
from tests.support.api.running import free_ports
from tests.support.reading import Seen

ROWS = 1000


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    rest, grpc_port = free_ports(2)
    settings = Settings(data_dir=tmp_path / "var", rest_port=rest, grpc_port=grpc_port)
    await migrate_database(settings)
    signing_keys(settings, may_create=True)
    create_brands(settings.effective_database_url, ["b", "other"])
    return settings


@asynccontextmanager
async def api(settings: Settings) -> AsyncIterator[Service]:
    service = Service(settings, frozenset({Part.API}))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


def people_csv(path: Path) -> Path:
    rows = (
        f"p{index},{'bad' if index % 100 == 7 else f'p{index}@example.com'},{index}\n"
        for index in range(ROWS)
    )
    path.write_text("person_id,email,number\n" + "".join(rows))
    return path


async def carillon_import(
    settings: Settings, *arguments: str, stdin: bytes = b""
) -> tuple[int | None, str, str]:
    process = await started(settings, *arguments)
    out, err = await process.communicate(stdin)
    return process.returncode, out.decode(), err.decode()


async def started(settings: Settings, *arguments: str) -> asyncio.subprocess.Process:
    own = {name: value for name, value in os.environ.items() if not name.startswith("CARILLON_")}
    environment = own | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "CARILLON_DATA_DIR": str(settings.data_dir),
        "CARILLON_REST_PORT": str(settings.rest_port),
        "CARILLON_GRPC_PORT": str(settings.grpc_port),
    }
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "import", "--brand", "b", *arguments,
        env=environment, cwd=settings.data_dir, stdin=pipe, stdout=pipe, stderr=pipe,
    )  # fmt: skip


async def stored(service: Service) -> dict[str, dict[str, Any]]:
    storage = service.storage
    assert storage is not None
    found = await storage.read(
        lambda tx: tx.people.find_many("b", [f"p{index}" for index in range(ROWS)])
    )
    return {person_id: person.attributes for person_id, person in found.items()}


def rejects(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(f"{file}.rejects.jsonl").read_text().splitlines()]


WHO_IS_PUT = {f"p{index}": {"number": index} for index in range(ROWS) if index % 100 != 7}


async def test_an_import_says_what_it_did_and_exits_2_if_rows_were_rejected(
    settings: Settings, tmp_path: Path
) -> None:
    file = people_csv(tmp_path / "people.csv")
    async with api(settings) as service:
        code, out, err = await carillon_import(settings, str(file), "--typed", "--batch", "300")
        assert code == 2, err
        assert out.startswith(f"1,000 rows read, 990 put, 10 rejected (see {file}.rejects.jsonl); ")
        assert "columns: person_id → person_id, email → email, number → attributes.number" in err
        assert await stored(service) == WHO_IS_PUT


async def test_standard_input_is_imported_and_exits_0_if_all_are_in(settings: Settings) -> None:
    async with api(settings) as service:
        lines = "".join(
            f'{{"id": "p{index}", "x": [1, {{"y": null}}, true], "consent.sms.news": true}}\n'
            for index in range(10)
        ).encode()
        code, out, err = await carillon_import(
            settings, "-", "--format", "jsonl", "--map", "id=person_id", stdin=lines
        )
        assert (code, out.split(";")[0]) == (0, "10 rows read, 10 put, 0 rejected"), err
        assert (await stored(service))["p9"] == {"x": [1, {"y": None}, True]}
        assert service.storage is not None
        said = await service.storage.read(lambda tx: tx.consents.find("b", "p9", "sms", "news"))
        assert said is not None
        assert (said.opted_in, said.source) == (True, "import")


async def test_an_import_that_cannot_begin_exits_1_and_says_why(
    settings: Settings, tmp_path: Path
) -> None:
    code, out, err = await carillon_import(settings, str(tmp_path / "none.csv"))
    assert (code, out) == (1, "")
    assert "none.csv" in err


async def test_a_token_of_another_installation_is_refused_at_once(
    settings: Settings, tmp_path: Path
) -> None:
    file = people_csv(tmp_path / "people.csv")
    (tmp_path / "token").write_text("not.a.token\n")
    async with api(settings):
        code, _, err = await carillon_import(
            settings, str(file), "--token-file", str(tmp_path / "token")
        )
    assert code == 1
    assert "unauthenticated" in err
    assert "not.a.token" not in err


@pytest.mark.parametrize(
    ("stop", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)]
)
async def test_stopped_in_the_middle_the_same_command_goes_on_and_each_row_counts_once(
    settings: Settings, tmp_path: Path, stop: signal.Signals, code: int
) -> None:
    file = people_csv(tmp_path / "people.csv")
    async with api(settings) as service, between(settings) as gate:
        arguments = [str(file), "--typed", "--batch", "100", "--server", gate.address]
        process = await started(settings, *arguments)
        await gate.reached.wait()
        process.send_signal(stop)
        _, told = await process.communicate()
        assert process.returncode == code
        assert (b"stopped after 300 rows; the same command goes on from there" in told) == (
            stop is signal.SIGINT
        )
        gate.open.set()
        assert 0 < len(await stored(service)) < len(WHO_IS_PUT)
        end, out, err = await carillon_import(settings, *arguments)
        assert end == 2, err
        assert "going on at line 302, after 300 rows" in err
        assert out.startswith("1,000 rows read, 990 put, 10 rejected")
        assert gate.first_ids[:5] == ["p0", "p100", "p200", "p300", "p300"], (
            "the batch without an answer is put again, and none before it"
        )
        assert await stored(service) == WHO_IS_PUT
    assert [reject["row"]["person_id"] for reject in rejects(file)] == [
        f"p{index}" for index in range(ROWS) if index % 100 == 7
    ]


async def test_an_import_outlives_a_restart_of_the_service(
    settings: Settings, tmp_path: Path
) -> None:
    file = people_csv(tmp_path / "people.csv")
    loop = asyncio.get_running_loop()
    running = Restartable(settings)
    await running.start()

    def from_thread(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(), loop).result()

    class StopsItOnce(Seen):
        def show(self, progress: Any) -> None:
            if progress.counts.read == 200:
                from_thread(running.stop)

    pauses: list[float] = []

    channel = grpc.insecure_channel(settings.grpc_address)

    def pause(seconds: float) -> None:
        if not pauses:
            from_thread(running.start)
        pauses.append(seconds)
        grpc.channel_ready_future(channel).result()

    assert running.service is not None
    token = running.service.keys.tokens.mint("importer", ["b"], ["write:people"])
    order = Order(name=str(file), destination="b", batch_rows=100)
    seen = StopsItOnce()

    def work() -> int:
        with channel:
            return run_import(
                order, GrpcPeopleService(channel, "the service", "b", token), seen, pause
            ).counts.put

    try:
        assert await asyncio.to_thread(work) == 990
        assert pauses != []
        assert len(await stored(running.service)) == 990
    finally:
        await running.stop()


async def test_the_services_refusal_of_single_people_reaches_the_rejects(
    settings: Settings, tmp_path: Path
) -> None:
    """A service that is stricter than this importer, as a newer one may be: here one that refuses
    people named odd."""
    file = tmp_path / "people.csv"
    file.write_text(
        "person_id,plan\n"
        + "".join(f"p{index},{'odd' if index % 3 else 'even'}\n" for index in range(100))
    )
    async with (
        api(settings) as service,
        between(settings, spoil=lambda person: person.attributes["plan"] == "odd") as gate,
    ):
        gate.open.set()
        code, out, err = await carillon_import(settings, str(file), "--server", gate.address)
        assert code == 2, err
        assert out.startswith("100 rows read, 34 put, 66 rejected")
        assert len(await stored(service)) == 34
    assert rejects(file)[0]["reasons"] == [
        {"field": "locale", "message": "must be a BCP 47 language tag such as pt-BR"}
    ]


async def test_a_brand_the_token_does_not_name_stops_the_import(
    settings: Settings, tmp_path: Path
) -> None:
    file = people_csv(tmp_path / "people.csv")
    async with api(settings) as service:
        token = service.keys.tokens.mint("importer", ["other"], ["write:people"])

        def work() -> None:
            with people_service(settings.grpc_address, "b", token) as people:
                run_import(Order(name=str(file), destination="b"), people, Seen(), lambda _: None)

        with pytest.raises(ImportStopped, match="brand"):
            await asyncio.to_thread(work)


@dataclass
class Restartable:
    settings: Settings
    service: Service | None = None

    async def start(self) -> None:
        self.service = Service(self.settings, frozenset({Part.API}))
        await self.service.start()

    async def stop(self) -> None:
        if self.service is not None:
            await self.service.stop()


@dataclass
class Gate:
    """Stands between an importer and the service: hands every batch on, and holds back the answer
    to the fourth until it is open."""

    address: str
    stub: Any
    spoil: Callable[[Any], bool]
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    first_ids: list[str] = field(default_factory=list)

    async def put(self, request: Any, context: Any) -> Any:
        self.first_ids.append(request.people[0].person_id)
        for person in filter(self.spoil, request.people):
            person.locale = "spoilt!"
        metadata = [
            (key, value) for key, value in context.invocation_metadata() if key == "authorization"
        ]
        try:
            answer = await self.stub.BatchPutPeople(request, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return await context.abort(
                error.code(), error.details(), tuple(error.trailing_metadata())
            )
        if len(self.first_ids) == 4:
            self.reached.set()
            await self.open.wait()
        return answer


@asynccontextmanager
async def between(
    settings: Settings, spoil: Callable[[Any], bool] = lambda _: False
) -> AsyncIterator[Gate]:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    async with grpc.aio.insecure_channel(settings.grpc_address) as channel:
        gate = Gate(f"127.0.0.1:{port}", person_service_pb2_grpc.PersonServiceStub(channel), spoil)
        handler = grpc.unary_unary_rpc_method_handler(
            gate.put,
            request_deserializer=person_service_pb2.BatchPutPeopleRequest.FromString,
            response_serializer=person_service_pb2.BatchPutPeopleResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(
                    "carillon.messaging.v1.PersonService", {"BatchPutPeople": handler}
                )
            ]
        )
        await server.start()
        try:
            yield gate
        finally:
            gate.open.set()
            await server.stop(None)


async def test_an_import_into_a_brand_that_nobody_created_stops_and_says_so(
    settings: Settings, tmp_path: Path
) -> None:
    file = people_csv(tmp_path / "people.csv")
    async with api(settings) as service:
        code, out, err = await carillon_import(settings, str(file), "--brand", "bb")
        assert (code, out) == (1, "")
        assert "the token names a brand that does not exist" in err
        assert service.storage is not None
        assert await service.storage.read(lambda tx: tx.people.find_many("bb", ["p0", "p1"])) == {}
