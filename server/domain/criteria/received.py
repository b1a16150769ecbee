"""Finds the campaigns that criteria ask about, in criteria that were checked."""

from __future__ import annotations

from collections.abc import Iterator


def received_campaigns(document: object, field: str) -> Iterator[tuple[str, str]]:
    """Place in `field` and id of each campaign that is asked about."""
    if not isinstance(document, dict):
        return
    for operator, operands in document.items():
        path = f"{field}.{operator}"
        if operator == "received" and isinstance(operands, str):
            yield path, operands
        elif operator in ("and", "or", "!") and isinstance(operands, list):
            for index, operand in enumerate(operands):
                yield from received_campaigns(operand, f"{path}[{index}]")
        elif operator == "!":
            yield from received_campaigns(operands, path)
