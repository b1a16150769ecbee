"""Raises the limit on open files, of which every connection is one."""

from __future__ import annotations

import resource

ENOUGH = 1_048_576
"""Some systems allow a thousand times as many, and programs that walk through them all stall."""


_RESERVED = 256
"""For the database, logs, calls to providers."""


def room_for(connections: int) -> int:
    """How many of so many connections this process, or one that it starts, can have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections
    return max(1, min(connections, soft - _RESERVED))


def raise_limit() -> None:
    """Lets this process, and those it starts, open as many files as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
