"""The error codes: what the proto lists is what the code says, and every class of error has its
gRPC code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import grpc

import server.domain.errors
from carillon.errors.v1.error_reason_pb2 import ErrorReason
from server.api.errors import CODES, http_status
from server.api.policies import method_policies
from server.domain.errors import CarillonError
from tests.support.api.refusals import REASONS

ROOT = Path(__file__).parents[2]
REASON_OF = {"NotFound": "{}_not_found", "BadState": "{}_state", "KeyReused": "{}_reused"}


def calls(directory: str) -> Iterator[tuple[str, str]]:
    """Name of what is called and the first argument, of every call in the code that has a literal
    one."""
    for path in sorted((ROOT / directory).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = (
                    node.func.id
                    if isinstance(node.func, ast.Name)
                    else node.func.attr
                    if isinstance(node.func, ast.Attribute)
                    else ""
                )
                yield name, str(node.args[0].value)


def reasons_of_the_server() -> set[str]:
    """Every reason that some code raises."""
    raised = {REASON_OF[name].format(noun) for name, noun in calls("server") if name in REASON_OF}
    fixed = {
        reason
        for name, reason in calls("server/domain")
        if name == "__init__" and re.fullmatch(r"[a-z_]+", reason)
    }
    return (
        raised | fixed | {reason for name, reason in calls("server/api") if name == "CarillonError"}
    )


def reasons_of_the_gateway() -> set[str]:
    """Every reason that the Lua gives by itself."""
    text = "".join(path.read_text("utf-8") for path in (ROOT / "server/gateway/lua").glob("*.lua"))
    table = re.search(r"local TEXT = \{(.*?)\n\}", text, re.DOTALL)
    assert table is not None
    return set(re.findall(r"^  (\w+) = ", table[1], re.MULTILINE)) | set(
        re.findall(r'errors\.body\("(\w+)"', text)
    )


def test_reasons_are_those_of_the_proto() -> None:
    assert reasons_of_the_server() | reasons_of_the_gateway() == REASONS


def test_reasons_have_no_number_left_out_or_used_twice() -> None:
    numbers = sorted(ErrorReason.values())
    assert numbers == list(range(len(numbers)))


def test_every_class_of_error_has_a_code() -> None:
    classes = [
        each
        for each in vars(server.domain.errors).values()
        if isinstance(each, type) and issubclass(each, CarillonError)
    ]
    assert set(classes) - {CarillonError} == set(CODES)


def test_every_code_has_a_status_of_its_own() -> None:
    for path, policy in method_policies().items():
        statuses = {code: http_status(code, policy) for code in CODES.values()}
        assert 500 not in statuses.values(), path
        # What is there already is 409, as is a state that forbids something in comms.
        del statuses[grpc.StatusCode.ALREADY_EXISTS]
        assert len(set(statuses.values())) == len(statuses), path
