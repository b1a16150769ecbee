"""Keeps the waits of calls within their deadlines."""

from __future__ import annotations

from typing import cast

from server.api.interceptors.call import Context

_ANSWER_SECONDS = 0.25
"""How long before its deadline a call is answered."""


def seconds_to_wait(context: Context, longest: float) -> float:
    """How long a call may wait for something, so that its answer comes before its deadline."""
    # None without a deadline, which the stubs do not say.
    remaining = cast("float | None", context.time_remaining())
    if remaining is None:
        return longest
    return max(0.0, min(longest, remaining - _ANSWER_SECONDS))
