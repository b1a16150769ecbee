"""Finds, makes and retires the signing keys of an installation, which are files: one, and beside it
a directory with those that came after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from server.config import ConfigError, Settings
from server.config.private_files import UnfitFileError, read_private
from server.identity.signing_keys import SigningKeys, key_id
from server.runtime.key_files import write_new_key

SETTING = "CARILLON_SIGNING_KEY_FILE"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key, and where it is."""

    path: Path
    key: Ed25519PrivateKey

    @property
    def id(self) -> str:
        """Its `kid`."""
        return key_id(self.key)


def signing_keys(settings: Settings, *, may_create: bool) -> SigningKeys:
    """The keys that every process on one database shares: `signing_key_file` and those beside it,
    or those of the data directory.

    Only in the latter is the first one ever made, and only with `may_create`, by what serves: a
    token of a key that no service has is good for nothing, and replicas that each made one would
    refuse each other's. Raises ConfigError if there is none, saying where it was looked for, or if
    one cannot be used.
    """
    first = first_key_path(settings)
    if may_create and not settings.signing_key_file:
        create_first_key(first)

    def look() -> Sequence[Ed25519PrivateKey]:
        return [stored.key for stored in stored_keys(settings)]

    return SigningKeys(look(), look)


def stored_keys(settings: Settings) -> list[StoredKey]:
    """All of them, oldest first. Raises ConfigError if there is none or one cannot be used."""
    first = first_key_path(settings)
    paths = _paths(first)
    if not paths and settings.signing_key_file:
        paths = [first]
    if not paths:
        raise ConfigError(
            f"{SETTING}: there is no signing key here: this is not set, and there is no "
            f"{first.absolute()}; "
            "go where the service is, with its settings: all processes on one database have one key"
        )
    return [StoredKey(path, _usable(path)) for path in paths]


def first_key_path(settings: Settings) -> Path:
    """Where the first key is; later ones are in the directory of the same name without `.pem`."""
    if settings.signing_key_file:
        return Path(settings.signing_key_file)
    return settings.data_dir / "keys" / "signing.pem"


def create_first_key(first: Path) -> None:
    """Makes the first key, readable only by its owner, if there is none at all. Two first starts
    at once agree on one."""
    if not _paths(first):
        write_new_key(first, Ed25519PrivateKey.generate())


def add_key(settings: Settings, now: datetime) -> StoredKey:
    """Makes a key that signs from now on, beside those that there are. Raises ConfigError."""
    newest = stored_keys(settings)[-1].path
    first = first_key_path(settings)
    key = Ed25519PrivateKey.generate()
    path = later_keys(first) / f"{now:%Y%m%dT%H%M%SZ}-{key_id(key)}.pem"
    if newest != first and path.name <= newest.name:
        raise ConfigError(
            f"{SETTING}: {newest} would still be the newest: keys are ordered by name"
        )
    write_new_key(path, key)
    return StoredKey(path, key)


def later_keys(first: Path) -> Path:
    """The directory of the keys that came after the first."""
    return first.with_suffix("") if first.suffix else first.with_name(f"{first.name}.later")


def _paths(first: Path) -> list[Path]:
    """Of the keys that there are, oldest first: names begin with when each was made."""
    return [*([first] if first.exists() else []), *sorted(later_keys(first).glob("*.pem"))]


def _usable(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(read_private(path), password=None)
    except UnfitFileError as error:
        raise ConfigError(f"{SETTING}: {error}") from None
    except OSError as error:
        raise ConfigError(f"{SETTING}: {path} cannot be read: {error.strerror}") from None
    except (TypeError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{SETTING}: {path} is no Ed25519 private key in PEM without a password")
    return key
