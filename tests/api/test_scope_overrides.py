"""Scopes that an installation asks for in place of those of the protos."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.api.policies import all_scopes, known_scopes, method_policies
from server.api.scope_overrides import policies_with
from server.app import Part
from server.config import ConfigError, Settings
from server.database import migrate_database
from tests.support.api.callers import GrpcCaller
from tests.support.api.running import running_service

GET_MESSAGE = "carillon.comms.v1.MessageService/GetMessage"
PUT_PERSON = "carillon.messaging.v1.PersonService/PutPerson"


def file_of(directory: Path, text: str) -> str:
    path = directory / "scopes.toml"
    path.write_text(text, "utf-8")
    return str(path)


def test_the_file_says_what_a_method_asks_for_and_leaves_the_others(tmp_path: Path) -> None:
    text = f'"{GET_MESSAGE}" = "read:outbox"\n"{PUT_PERSON}" = ["write:people", "write:patients"]\n'
    policies = policies_with(file_of(tmp_path, text))
    assert policies[f"/{GET_MESSAGE}"].scopes == ("read:outbox",)
    assert policies[f"/{PUT_PERSON}"].scopes == ("write:people", "write:patients")
    was = method_policies()
    assert {name for name in was if policies[name] != was[name]} == {
        f"/{GET_MESSAGE}",
        f"/{PUT_PERSON}",
    }
    assert {"read:outbox", "manage:patients"} <= set(known_scopes(policies))


def test_without_a_file_the_protos_say_it() -> None:
    assert policies_with("") == method_policies()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('"carillon.comms.v1.MessageService/Get" = "read:x"', "is no method"),
        ('"/carillon.comms.v1.MessageService/GetMessage" = "read:x"', "is no method"),
        ('"carillon.ops.v1.ProbeService/CheckLiveness" = "read:x"', "without a token"),
        (f'"{GET_MESSAGE}" = "messages"', "'messages' is no scope"),
        (f'"{GET_MESSAGE}" = "manage:messages"', "'manage:messages' is no scope"),
        (f'"{GET_MESSAGE}" = ["read:messages", "READ:x"]', "'READ:x' is no scope"),
        (f'"{GET_MESSAGE}" = ""', "'' is no scope"),
        (f'"{GET_MESSAGE}" = []', "must be a scope"),
        (f'"{GET_MESSAGE}" = [1]', "must be a scope"),
        (f'[{GET_MESSAGE.replace("/", ".")}]\nscope = "read:x"', "is no method"),
        ("scope", "not valid TOML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_reason(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=r"CARILLON_SCOPES_FILE: .*scopes\.toml") as refused:
        policies_with(file_of(tmp_path, text))
    assert reason in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        policies_with(str(tmp_path / "none.toml"))


async def test_a_service_asks_for_what_its_file_says(tmp_path: Path) -> None:
    await migrate_database(Settings(data_dir=tmp_path))
    scopes_file = file_of(tmp_path, f'"{GET_MESSAGE}" = "read:outbox"')
    only_api = frozenset({Part.API})
    async with running_service(tmp_path, parts=only_api, scopes_file=scopes_file) as running:
        request = {"id": "no-such-id"}
        api = GrpcCaller(running.channel, running.token("acme", scopes=all_scopes()))
        refused = await api.call("comms.MessageService/GetMessage", request)
        assert (refused.status, refused.body["details"]) == (403, {"scope": "read:outbox"})
        token = running.token("acme", scopes=["read:outbox"])
        allowed = await api.call("comms.MessageService/GetMessage", request, token=token)
        assert allowed.status == 404
