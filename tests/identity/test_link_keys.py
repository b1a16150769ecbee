"""Keys of unsubscribe links: links in sent mail stay good whatever becomes of signing keys."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.app import Service
from server.config import ConfigError, Settings
from server.domain.contacts.unsubscribe import LinkedContact, UnsubscribeLinks
from server.identity.key_store import add_key, signing_keys, stored_keys
from server.identity.link_keys import derived_link_key, keep_derived_key, link_keys
from server.identity.signing_keys import SigningKeys
from server.runtime.key_files import write_new_file, write_new_key
from tests.support.clocks import NOON

ANN = LinkedContact("acme", "ann", "email", "news", "ann@example.com")


def links(settings: Settings, *, may_create: bool = True) -> UnsubscribeLinks:
    """Those of a process that starts now."""
    signing = signing_keys(settings, may_create=may_create)
    return UnsubscribeLinks(
        link_keys(settings, signing, may_create=may_create), "https://mail.example.com"
    )


def retire_oldest(settings: Settings) -> None:
    oldest = stored_keys(settings)[0]
    keep_derived_key(settings, oldest.key)
    oldest.path.unlink()


def test_a_first_start_makes_a_key_of_its_own(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    token = links(settings).token(ANN)
    assert links(settings).token(ANN) == token
    file = tmp_path / "keys" / "links.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    signing = signing_keys(settings, may_create=False)
    derived = UnsubscribeLinks([derived_link_key(signing.newest)], "https://mail.example.com")
    assert derived.contact(token) is None


def test_links_that_were_made_with_a_derived_key_are_read(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    before = links_of_a_signing_key(settings).token(ANN)
    assert links(settings).token(ANN) != before
    assert links(settings).contact(before) == ANN


def links_of_a_signing_key(settings: Settings) -> UnsubscribeLinks:
    """What an installation without a file of link keys makes links with."""
    signing = signing_keys(settings, may_create=True)
    return UnsubscribeLinks([derived_link_key(signing.all[0])], "https://mail.example.com")


@pytest.mark.parametrize("shared", [False, True])
def test_no_rotation_of_signing_keys_breaks_a_link(tmp_path: Path, shared: bool) -> None:
    file = tmp_path / "shared" / "signing.pem"
    if shared:
        write_new_key(file, Ed25519PrivateKey.generate())
    settings = Settings(data_dir=tmp_path / "own", signing_key_file=str(file) if shared else "")
    sent = [links_of_a_signing_key(settings).token(ANN)]
    for day in range(3):
        sent.append(links(settings, may_create=not shared).token(ANN))
        add_key(settings, NOON + timedelta(days=day))
        sent.append(links(settings, may_create=not shared).token(ANN))
        retire_oldest(settings)
        sent.append(links(settings, may_create=not shared).token(ANN))
    assert [links(settings, may_create=False).contact(token) for token in sent] == [ANN] * 10
    # One that makes links all the time: a link is the same in every mail to a contact.
    assert len(set(sent)) == (1 if shared else 2)


def test_of_several_keys_the_last_makes_links_and_all_read(tmp_path: Path) -> None:
    lines = [b"A" * 42 + b"0=\n", b"B" * 42 + b"0=\n"]
    signing = SigningKeys([])
    tokens = []
    for count in (1, 2):
        file = tmp_path / f"{count}.key"
        write_new_file(file, b"".join(lines[:count]))
        settings = Settings(link_key_file=str(file))
        keys = link_keys(settings, signing, may_create=False)
        made = UnsubscribeLinks(keys, "https://mail.example.com")
        tokens.append(made.token(ANN))
        assert [made.contact(token) for token in tokens] == [ANN] * count
    assert len(set(tokens)) == 2


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (None, 0o600, "cannot be read: No such file"),
        (b"", 0o600, "has no keys"),
        (b"QUJD\n", 0o600, "has no keys"),
        (b"!" * 44, 0o600, "has no keys"),
        (b"\xff" * 44, 0o600, "has no keys"),
        (b"A" * 43 + b"=\n", 0o640, "has mode 0640"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_not_replaced(
    tmp_path: Path, content: bytes | None, mode: int, reason: str
) -> None:
    file = tmp_path / "links.key"
    if content is not None:
        write_new_file(file, content)
        file.chmod(mode)
    settings = Settings(data_dir=tmp_path, link_key_file=str(file))
    signing = signing_keys(settings, may_create=True)
    with pytest.raises(ConfigError, match=f"^CARILLON_LINK_KEY_FILE: .*links.key {reason}"):
        link_keys(settings, signing, may_create=True)
    assert (file.read_bytes() if file.exists() else None) == content


def test_a_service_reads_what_it_made_before_it_had_link_keys(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    before = links_of_a_signing_key(settings).token(ANN)
    made = Service(settings).keys.links.token(ANN)
    add_key(settings, NOON)
    retire_oldest(settings)
    restarted = Service(settings).keys.links
    assert [restarted.contact(token) for token in (before, made)] == [ANN, ANN]
    assert restarted.token(ANN) == made
