"""docs/brands.md has every scope that a method asks for."""

from __future__ import annotations

import re
from pathlib import Path

from server.api.policies import all_scopes
from server.domain.scopes import is_of_operators

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "brands.md").read_text("utf-8")
ROW = re.compile(r"^\| `([a-z-]+)` \|(.*)\|(.*)\|$", re.MULTILINE)
OPERATORS_ROW = re.compile(r"^\| `(admin:[a-z-]+)` \|", re.MULTILINE)


def test_the_tables_of_scopes_have_what_methods_ask_for_and_nothing_else() -> None:
    told = {
        f"{verb}:{resource}"
        for resource, *cells in ROW.findall(PAGE)
        for verb, cell in zip(("read", "write"), cells, strict=True)
        if cell.strip()
    }
    scopes = all_scopes()
    assert told == {scope for scope in scopes if not is_of_operators(scope)}
    assert set(OPERATORS_ROW.findall(PAGE)) == {*filter(is_of_operators, scopes)}
