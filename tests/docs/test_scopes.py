"""docs/scopes.md is what `make docs` makes of the protos."""

from __future__ import annotations

import re
from pathlib import Path

from described import Described
from scopes_page import scopes_page
from server.api.policies import all_scopes

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "scopes.md").read_text("utf-8")


def test_the_page_of_scopes_is_what_the_protos_say() -> None:
    assert scopes_page(Described.read()) == PAGE, "run `make docs` and commit the result"


def test_the_page_has_every_scope_that_is_asked_for() -> None:
    rows = re.findall(r"^\| .*`([a-z]+:[a-z-]+)` \|", PAGE, re.MULTILINE)
    first = re.findall(r"^\| `([a-z]+:[a-z-]+)` \|", PAGE, re.MULTILINE)
    assert {*rows, *first} == set(all_scopes())
