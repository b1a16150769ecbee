"""`carillon serve` as a new user meets it: ready, seeded, stopped, killed, and in the way of
others."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
from pathlib import Path

import httpx
import jwt
import pytest

from tests.support.carillon import Installation, Serving, is_free, processes_of, watching

PORTS = ("CARILLON_REST_PORT", "CARILLON_GRPC_PORT")


def tokens_in(text: str) -> set[str]:
    """The tokens in a text."""
    return set(re.findall(r"eyJ[\w.-]{20,}", text))


async def ready(installation: Installation) -> int:
    """Status of the readiness probe through Envoy."""
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{installation.rest}/readyz")).status_code


async def stops(installation: Installation, serving: Serving, number: signal.Signals) -> None:
    """Asked to stop, it takes everything down and exits with 0."""
    assert await ready(installation) == 200
    with watching(serving.envoy()) as envoy:
        ended = await serving.stop(number)
        assert envoy.has_happened()
    assert (ended.status, "Traceback" in ended.err) == (0, False)
    assert all(map(is_free, installation.ports))


async def everything(installation: Installation, token: str) -> dict[str, object]:
    """What the demo brand has."""
    lists = (
        "/v1/admin/campaigns",
        "/v1/messaging/campaigns",
        "/v1/messaging/segments",
        "/v1/messaging/templates",
        *(f"/v1/people/{name}" for name in ("ada", "grace")),
    )
    async with httpx.AsyncClient(
        base_url=installation.rest, headers={"authorization": f"Bearer {token}"}
    ) as client:
        answers = {path: await client.get(path) for path in lists}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {path: answer.json() for path, answer in answers.items()}


async def test_printed_commands_work_as_printed(installation: Installation) -> None:
    async with installation.running() as serving:
        curl, grpcurl, tail = serving.commands()
        sent = await installation.bash(curl)
        assert sent.status == 0, sent
        message = json.loads(sent.out)
        assert (message["brand_id"], message["person_id"], message["recipient"]) == (
            "demo",
            "ada",
            "ada@example.com",
        )
        mail = installation.directory / "var" / "outbox" / "email" / f"{message['id']}.eml"
        while not mail.exists():
            await ready(installation)
        shown = await installation.bash(tail)
        assert shown.status == 0, shown
        assert "To: ada@example.com" in shown.out
        if shutil.which("grpcurl"):
            listed = await installation.bash(grpcurl)
            assert listed.status == 0, listed
            assert [entry["id"] for entry in json.loads(listed.out)["data"]] == [message["id"]]
        await stops(installation, serving, signal.SIGINT)


async def test_the_first_start_seeds_and_prints_a_token_and_the_next_ones_neither(
    installation: Installation,
) -> None:
    installation.errors = installation.directory / "errors"
    async with installation.running() as serving:
        first = tokens_in(serving.printed)
        token = await installation.token("demo")
        seeded = await everything(installation, token)
        await stops(installation, serving, signal.SIGTERM)
    async with installation.running() as serving:
        assert await everything(installation, token) == seeded
        log = (await serving.stop(signal.SIGTERM)).out + installation.errors.read_text()
    async with installation.running(terminal=True) as serving:
        third = tokens_in(serving.printed)
        await serving.stop(signal.SIGTERM)
    for path, key in (("/v1/admin/campaigns", "campaigns"), ("/v1/messaging/campaigns", "items")):
        (campaign,) = seeded[path][key]  # type: ignore[index]
        assert campaign["status"] == "draft"
    assert "carillon token --brand demo" in log
    assert tokens_in(log) == set()
    for (token,) in (first, third):
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (claims["brands"], claims["exp"] - claims["iat"]) == (["demo"], 3600)


async def test_killed_it_takes_envoy_along_and_the_next_start_works_at_once(
    installation: Installation,
) -> None:
    async with installation.running() as serving:
        with watching(serving.envoy()) as envoy:
            assert (await serving.stop(signal.SIGKILL)).status == -signal.SIGKILL
            await envoy.happens()
    async with installation.running() as serving:
        assert await ready(installation) == 200
        assert (await serving.stop(signal.SIGTERM)).status == 0


@pytest.mark.parametrize("which", range(2), ids=PORTS)
async def test_taken_port_is_one_clear_line_and_nothing_is_left(
    installation: Installation, which: int
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", installation.ports[which]))
        taken.listen()
        complaint = (await installation.run("serve")).complaint
    assert complaint.startswith(f"{PORTS[which]}: ")
    assert str(installation.ports[which]) in complaint
    assert processes_of(installation.directory) == []
    assert all(map(is_free, installation.ports))


async def test_two_instances_run_side_by_side_but_not_on_the_same_data(tmp_path: Path) -> None:
    installations = [Installation(tmp_path / name) for name in ("one", "two")]
    for installation in installations:
        installation.directory.mkdir()
    one, two = installations
    async with one.running() as first, two.running() as second:
        assert (await ready(one), await ready(two)) == (200, 200)
        foreign = await two.token("demo")
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {foreign}"}) as client:
            assert (await client.get(f"{two.rest}/v1/messaging/segments")).status_code == 200
            assert (await client.get(f"{one.rest}/v1/messaging/segments")).status_code == 401
        complaint = (await Installation(one.directory).run("serve")).complaint
        assert "carillon.db" in complaint
        assert await ready(one) == 200
        assert (await first.stop(signal.SIGTERM)).status == 0
        assert await ready(two) == 200
        assert (await second.stop(signal.SIGTERM)).status == 0
