"""Key files: where they are looked for, who makes them, and which are refused."""

from __future__ import annotations

import asyncio
import stat
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from server.config import ConfigError, Settings
from server.identity.key_store import add_key, create_first_key, signing_keys, stored_keys
from server.identity.signing_keys import fingerprint, key_id
from server.runtime.key_files import write_new_file, write_new_key
from tests.support.clocks import NOON

POSTGRES = "postgresql://db.example/carillon"


def own(directory: Path) -> Ed25519PrivateKey:
    """The key of an installation with this data directory."""
    return signing_keys(Settings(data_dir=directory), may_create=True).newest


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = own(tmp_path)
    assert raw(own(tmp_path)) == raw(first)
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_start_that_comes_second_takes_the_key_of_the_first(tmp_path: Path) -> None:
    first = own(tmp_path)
    create_first_key(tmp_path / "keys" / "signing.pem")
    assert raw(own(tmp_path)) == raw(first)
    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["signing.pem"]


async def test_first_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    program = (
        "import sys; from server.identity.key_store import signing_keys;"
        "from server.identity.signing_keys import fingerprint;"
        "from server.config import Settings;"
        "sys.stdin.readline();"
        "print(fingerprint(signing_keys(Settings(data_dir=sys.argv[1]), may_create=True).newest))"
    )
    starts = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            str(tmp_path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]
    keys = {
        out for out, _ in await asyncio.gather(*(start.communicate(b"go\n") for start in starts))
    }
    assert len(keys) == 1
    assert keys == {fingerprint(own(tmp_path)).encode() + b"\n"}


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    pem = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    write_new_file(tmp_path / "keys" / "signing.pem", pem)
    with pytest.raises(ConfigError, match=r"signing.pem is no Ed25519 private key"):
        own(tmp_path)


@pytest.mark.parametrize("database_url", ["", POSTGRES])
@pytest.mark.parametrize("may_create", [False, True])
def test_a_key_file_that_is_named_is_the_key_and_none_is_made(
    tmp_path: Path, database_url: str, may_create: bool
) -> None:
    key, file = Ed25519PrivateKey.generate(), tmp_path / "shared.pem"
    write_new_key(file, key)
    settings = Settings(
        data_dir=tmp_path / "data", database_url=database_url, signing_key_file=str(file)
    )
    assert raw(signing_keys(settings, may_create=may_create).newest) == raw(key)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read: No such file"), (b"x", "is no Ed25519 private key")],
)
def test_a_key_file_that_cannot_be_used_is_refused_not_replaced(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "shared.pem"
    if content is not None:
        write_new_file(file, content)
    with pytest.raises(ConfigError, match=f"^CARILLON_SIGNING_KEY_FILE: .*shared.pem {reason}"):
        signing_keys(Settings(data_dir=tmp_path, signing_key_file=str(file)), may_create=True)
    assert (file.read_bytes() if file.exists() else None) == content


def test_a_replica_makes_no_key_of_its_own(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=POSTGRES)
    with pytest.raises(
        ConfigError,
        match=r"^CARILLON_SIGNING_KEY_FILE: there is no signing key here.* no /.*/keys/signing.pem",
    ):
        signing_keys(settings, may_create=False)
    assert list(tmp_path.iterdir()) == []
    made = signing_keys(settings, may_create=True).newest
    assert raw(signing_keys(settings, may_create=False).newest) == raw(made)


def test_fingerprints_tell_keys_apart() -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    again = Ed25519PrivateKey.from_private_bytes(
        key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    )
    assert fingerprint(key) == fingerprint(again) != fingerprint(other)


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
@pytest.mark.parametrize("name", ["signing.pem", "signing/20260302T120000Z.pem"])
def test_a_key_that_others_may_use_is_refused_with_the_remedy(
    tmp_path: Path, mode: int, name: str
) -> None:
    own(tmp_path)
    file = tmp_path / "keys" / name
    write_new_key(file, Ed25519PrivateKey.generate())
    file.chmod(mode)
    with pytest.raises(ConfigError) as refused:
        signing_keys(Settings(data_dir=tmp_path), may_create=True)
    assert str(refused.value) == (
        f"CARILLON_SIGNING_KEY_FILE: {file} has mode {mode:04o}, so that others than its owner may "
        f"use it: chmod 600 {file}"
    )
    file.chmod(0o600)
    signing_keys(Settings(data_dir=tmp_path), may_create=True)


@pytest.mark.parametrize("named", [False, True])
def test_a_key_that_is_added_signs_and_those_before_it_stay(tmp_path: Path, named: bool) -> None:
    first = own(tmp_path)
    settings = Settings(
        data_dir=tmp_path,
        signing_key_file=str(tmp_path / "keys" / "signing.pem") if named else "",
    )
    added = [add_key(settings, NOON + timedelta(days=day)) for day in range(3)]
    keys = signing_keys(settings, may_create=True)
    assert keys.ids == (key_id(first), *(each.id for each in added))
    assert key_id(keys.newest) == added[-1].id
    for each in added:
        assert each.path.parent == tmp_path / "keys" / "signing"
        assert stat.S_IMODE(each.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(each.path.parent.stat().st_mode) == 0o700


def test_a_key_that_would_not_be_the_newest_is_not_made(tmp_path: Path) -> None:
    own(tmp_path)
    settings = Settings(data_dir=tmp_path)
    add_key(settings, NOON)
    with pytest.raises(ConfigError, match="would still be the newest"):
        add_key(settings, NOON - timedelta(seconds=1))
    assert len(stored_keys(settings)) == 2


def test_keys_that_came_later_need_no_first_one(tmp_path: Path) -> None:
    first = own(tmp_path)
    added = add_key(Settings(data_dir=tmp_path), NOON)
    (tmp_path / "keys" / "signing.pem").unlink()
    assert raw(own(tmp_path)) == raw(added.key) != raw(first)
    assert not (tmp_path / "keys" / "signing.pem").exists()
