"""Keeps the keys of unsubscribe links, which are apart from those that sign tokens: links stay good
for as long as mail is kept, whatever key signs."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.config import ConfigError, Settings
from server.config.private_files import UnfitFileError, read_private
from server.identity.key_store import first_key_path
from server.identity.signing_keys import SigningKeys, derive_key
from server.runtime.key_files import replace_file, write_new_file

SETTING = "CARILLON_LINK_KEY_FILE"
KEY_BYTES = 32
_PURPOSE = "unsubscribe"


def link_keys(settings: Settings, signing: SigningKeys, *, may_create: bool) -> tuple[bytes, ...]:
    """The keys that read links; the first of them makes them.

    They are those of the file, the newest first, and those derived from signing keys: links of
    installations that had no file were made with that of the oldest one, and still are where there
    is none. One is made only beside a signing key that was, since all processes on one database
    share it. Raises ConfigError.
    """
    path = link_key_path(settings)
    if may_create and not settings.link_key_file and not settings.signing_key_file:
        write_new_file(path, _text([secrets.token_bytes(KEY_BYTES)]))
    return (*reversed(stored_link_keys(settings)), *map(derived_link_key, signing.all))


def link_key_path(settings: Settings) -> Path:
    """Where they are: `link_key_file`, or beside the signing key."""
    if settings.link_key_file:
        return Path(settings.link_key_file)
    return first_key_path(settings).with_name("links.key")


def stored_link_keys(settings: Settings) -> list[bytes]:
    """Those of the file, oldest first; none if it need not be there and is not. Raises
    ConfigError."""
    path = link_key_path(settings)
    if not settings.link_key_file and not path.exists():
        return []
    try:
        return _keys(read_private(path).decode("ascii"))
    except UnfitFileError as error:
        raise ConfigError(f"{SETTING}: {error}") from None
    except OSError as error:
        raise ConfigError(f"{SETTING}: {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigError(
            f"{SETTING}: {path} has no keys, each a line of base64url of {KEY_BYTES} bytes"
        ) from None


def keep_derived_key(settings: Settings, signing_key: Ed25519PrivateKey) -> None:
    """Keeps the link key of a signing key that is going, as the oldest one. Raises ConfigError."""
    derived, stored = derived_link_key(signing_key), stored_link_keys(settings)
    if derived not in stored:
        replace_file(link_key_path(settings), _text([derived, *stored]))


def derived_link_key(signing_key: Ed25519PrivateKey) -> bytes:
    """The link key that a signing key stands for."""
    return derive_key(signing_key, _PURPOSE)


def _text(keys: Iterable[bytes]) -> bytes:
    return b"".join(base64.urlsafe_b64encode(key) + b"\n" for key in keys)


def _keys(text: str) -> list[bytes]:
    keys = [
        base64.b64decode(line, altchars=b"-_", validate=True) for line in text.splitlines() if line
    ]
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise ValueError
    return keys
