"""Raises the limit on open files, of which every connection is one."""

from __future__ import annotations

import resource

ENOUGH = 1_048_576
"""Some systems allow a thousand times as many, and programs that walk through them all stall."""


def raise_limit() -> None:
    """Lets this process, and those it starts, open as many files as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
