"""Reads records of sends from rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from storage.model.sends import CancelReceipt, Counters, Recipients, Send
from storage.sql.schema.sends import COUNTERS, RECEIPT, RECIPIENTS


def read_send(row: Row[Any]) -> Send:
    """The record of a row of all columns."""
    fields = dict(row._mapping)
    counters = Counters(**{name: fields.pop(name) for name in ("total", *COUNTERS)})
    recipients = {name: fields.pop(f"recipients_{name}") for name in RECIPIENTS}
    receipt = {name: fields.pop(f"receipt_{name}") for name in RECEIPT}
    return Send(
        counters=counters,
        recipients=Recipients(**recipients),
        receipt=None if None in receipt.values() else CancelReceipt(**receipt),
        **fields,
    )
