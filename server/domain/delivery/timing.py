"""Spans of time that several parts must agree on."""

from __future__ import annotations

from datetime import timedelta

LEASE = timedelta(seconds=30)
"""How long a claim or a mark lasts. Longer than any provider may take to answer, with a margin to
write the result."""
START_WINDOW = timedelta(seconds=1)
"""A provider call begins at most this long after the instant read before its mark; afterwards the
dispatcher gives the row back. So whoever commits a cancel or a pause knows that this much later no
call begins any more."""
