"""The key of Web Push: made once, and shared."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key

from server.config import ConfigError, Settings
from server.domain.contacts.push_subscriptions import decode
from server.identity.key_store import signing_keys
from server.runtime.key_files import write_new_file, write_new_key
from server.runtime.vapid import public_text, vapid_key


def test_a_first_start_makes_a_key_and_the_next_ones_have_the_same(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    made, again = (vapid_key(settings, may_create=True) for _ in range(2))
    assert made is not None
    assert again is not None
    assert public_text(made) == public_text(again)
    assert len(decode(public_text(made))) == 65
    file = tmp_path / "keys" / "vapid.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    elsewhere = Settings(data_dir=tmp_path / "other", vapid_key_file=str(file))
    shared = vapid_key(elsewhere, may_create=False)
    assert shared is not None
    assert public_text(shared) == public_text(made)


def test_where_none_may_be_made_there_is_none(tmp_path: Path) -> None:
    assert vapid_key(Settings(data_dir=tmp_path), may_create=False) is None
    assert not (tmp_path / "keys").exists()


def test_a_file_that_is_no_such_key_is_refused(tmp_path: Path) -> None:
    signing_keys(Settings(data_dir=tmp_path), may_create=True)
    write_new_key(tmp_path / "p384.pem", generate_private_key(SECP384R1()))
    write_new_file(tmp_path / "text.pem", b"not a key")
    write_new_key(tmp_path / "open.pem", generate_private_key(SECP256R1()))
    (tmp_path / "open.pem").chmod(0o640)
    for name in ("keys/signing.pem", "p384.pem", "text.pem", "open.pem", "missing.pem"):
        settings = Settings(data_dir=tmp_path, vapid_key_file=str(tmp_path / name))
        with pytest.raises(ConfigError, match=r"^CARILLON_VAPID_KEY_FILE: "):
            vapid_key(settings, may_create=True)
