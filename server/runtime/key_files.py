"""Writes private key files, which are their owner's alone."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def write_new_key(path: Path, key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> None:
    """Writes a key, readable only by its owner, unless there is one already: two first starts at
    once agree on one."""
    write_new_file(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def write_new_file(path: Path, content: bytes) -> None:
    """Writes a file of keys as `write_new_key` does, whole and on disk before it has its name."""
    own = _write_beside(path, content)
    try:
        os.link(own, path)
    except FileExistsError:
        pass  # another process was first; its key is the installation's
    finally:
        own.unlink()


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file of keys, readable only by its owner, in place of the one that is there."""
    _write_beside(path, content).replace(path)


def _write_beside(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return own
