"""docs/using.md has every path of the API, in the row of its service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor

from server.api.policies import service_descriptors

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "using.md").read_text("utf-8")
ROW = re.compile(r"^\|[^|`]+\|([^|]*`/[^|]*)\|([^|]*Service`[^|]*)\|$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")


def _path(method: MethodDescriptor) -> str:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb: Any = rule.WhichOneof("pattern")
    return str(getattr(rule, verb))


def _told(cell: str) -> set[str]:
    """The paths in a cell; `…` stands for the one before it that begins with `/`."""
    told, whole = set(), ""
    for path in QUOTED.findall(cell):
        whole = path if path.startswith("/") else whole
        told.add(path.replace("…", whole))
    return told


def test_each_row_of_the_table_has_the_paths_of_its_services_and_no_other() -> None:
    rows = {tuple(QUOTED.findall(names)): _told(paths) for paths, names in ROW.findall(PAGE)}
    paths = {
        service.full_name: {_path(method) for method in service.methods}
        for service in service_descriptors()
    }
    assert rows == {
        names: set().union(*(paths.get(name, set()) for name in names)) for names in rows
    }
    assert {name for names in rows for name in names} >= paths.keys()
