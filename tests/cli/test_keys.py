"""`carillon keys` and `carillon token revoke`: which keys there are, how one follows another, and
how a token ends before its time."""

from __future__ import annotations

import shutil
from pathlib import Path

import jwt
import pytest
import uvloop
from click.testing import CliRunner, Result

from server.cli.main import main
from server.config import Settings
from server.database import migrate_database, operate
from server.domain.access import Caller
from server.domain.clock import SystemClock
from server.domain.errors import Unauthenticated
from server.identity.key_store import signing_keys
from server.identity.tokens import tokens_of
from storage.contract.storage import Transaction
from storage.model.audit import INSTALLATION


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a service that has been: making one takes a second."""
    data_dir = tmp_path_factory.mktemp("served") / "var"
    settings = Settings(data_dir=data_dir)
    signing_keys(settings, may_create=True)
    uvloop.run(migrate_database(settings))
    return data_dir


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, served: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory where a service has been."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(served, tmp_path / "var")
    return tmp_path


def carillon(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def listed() -> list[list[str]]:
    """What `list` prints, by line and column."""
    return [line.split("\t") for line in carillon("keys", "list").stdout.splitlines()]


def test_a_key_follows_another_and_tokens_of_both_are_good() -> None:
    ((first, state, file),) = listed()
    assert (state, file) == ("signs", "var/keys/signing.pem")
    before = carillon("token", "--scope", "admin:hold").stdout.strip()
    rotated = carillon("keys", "rotate")
    assert (rotated.exit_code, rotated.stderr) == (0, "")
    second = rotated.stdout.strip()
    assert [line[:2] for line in listed()] == [[first, "verifies"], [second, "signs"]]
    after = carillon("token", "--scope", "admin:hold").stdout.strip()
    assert jwt.get_unverified_header(before)["kid"] == first
    assert jwt.get_unverified_header(after)["kid"] == second
    tokens = tokens_of(Settings(), SystemClock(), may_create=False)
    for token in (before, after):
        assert tokens.verify(token).subject == "cli"


def test_where_there_is_no_key_none_is_made(directory: Path) -> None:
    (directory / "var" / "keys" / "signing.pem").unlink()
    for command in ("list", "rotate"):
        result = carillon("keys", command)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("carillon: CARILLON_SIGNING_KEY_FILE: there is no signing")
    assert list((directory / "var" / "keys").iterdir()) == []


def test_an_older_key_is_retired_and_its_tokens_with_it() -> None:
    ((first, _, file),) = listed()
    before = carillon("token", "--scope", "admin:hold").stdout.strip()
    second = carillon("keys", "rotate").stdout.strip()
    assert carillon("keys", "retire", first).stdout == f"retired {first}\n"
    assert [line[0] for line in listed()] == [second]
    assert not Path(file).exists()
    tokens = tokens_of(Settings(), SystemClock(), may_create=False)
    with pytest.raises(Unauthenticated):
        tokens.verify(before)
    assert logged() == ["signing_key_used", "signing_key_retired"]


def logged() -> list[str]:
    """What the log of the installation has of keys and revocations, oldest first."""

    async def read(tx: Transaction, _: Caller) -> list[str]:
        entries = await tx.audit.list_page(INSTALLATION, None, None, 100)
        actions = [each.action for each in reversed(entries)]
        return [each for each in actions if each.startswith(("signing", "token_revoked"))]

    return uvloop.run(operate(Settings(), read))


def test_the_key_that_signs_is_not_retired_nor_one_that_is_not_there() -> None:
    ((first, _, _),) = listed()
    assert "is the key that signs" in carillon("keys", "retire", first).stderr
    assert "no such key" in carillon("keys", "retire", "0" * 16).stderr
    assert [line[0] for line in listed()] == [first]


def test_a_token_is_revoked_by_its_id_once() -> None:
    made = carillon("token", "--scope", "admin:hold").stdout.strip()
    token_id = jwt.decode(made, options={"verify_signature": False})["jti"]
    assert carillon("token", "revoke", token_id).stdout == "revoked\n"
    assert carillon("token", "revoke", token_id).stdout == "was revoked before\n"
    assert logged() == ["token_revoked"]

    async def read(tx: Transaction, _: Caller) -> list[bool]:
        return [await tx.revocations.has(each) for each in (token_id, "another")]

    assert uvloop.run(operate(Settings(), read)) == [True, False]


def test_what_is_no_id_of_a_token_is_refused() -> None:
    for given in ("", "a\nb", "x" * 201):
        result = carillon("token", "revoke", given)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "is no id of a token" in result.stderr
    assert logged() == []
