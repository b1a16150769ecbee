"""The errors of storage. Errors of a driver never leave it."""

from __future__ import annotations


class StorageError(Exception):
    """Storage failed in a way the caller cannot mend."""


class StorageUnavailable(StorageError):
    """The database cannot be reached or did not answer in time. Whether a write took effect may not
    be known."""


class StorageFull(StorageUnavailable):
    """There is no room for what was to be written. Nothing of its transaction took effect."""


class TookTooLong(StorageUnavailable):
    """A statement ran longer than it may, or was stopped. Nothing of its transaction took
    effect."""


class WriteConflict(StorageError):
    """A concurrent transaction got in the way. `Storage.write` tries again by itself; this leaves
    it only when it gave up."""


class DatabaseInUse(StorageError):
    """Another process owns the embedded database."""


class SchemaMismatch(StorageError):
    """The database's schema is not the one this version was made for."""
