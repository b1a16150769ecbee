"""buf in the checkout, as its users type it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def buf(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """With nothing on the PATH but buf and what every system has."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        (BIN / "buf", *arguments),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [("lint",), ("build",), ("breaking", "protos", "--against", "generated/image.binpb")],
    ids=lambda arguments: arguments[0],
)
def test_it_finds_nothing(arguments: tuple[str, ...]) -> None:
    done = buf(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What it printed as wrong. protoc takes an import for unused whose extensions stand within
    another option, as rules of strings do."""
    return [
        line
        for line in done.stderr.splitlines()
        if not line.endswith("Import carillon/rules/v1/rules.proto is unused.")
    ]


def test_generate_makes_a_client_of_the_protos(tmp_path: Path) -> None:
    done = buf("generate", "--output", str(tmp_path))
    assert (done.returncode, complaints(done)) == (0, [])
    ours = len(list((ROOT / "protos").rglob("*.proto")))
    assert len(list(tmp_path.rglob("*_pb2.py"))) == ours + 1, (
        "and the options that rules of fields are"
    )


def test_the_image_alone_is_enough_to_generate_from(tmp_path: Path) -> None:
    (tmp_path / "image.binpb").write_bytes((ROOT / "generated" / "image.binpb").read_bytes())
    plugin = (
        f"{{protoc_builtin: python, protoc_path: {BIN / 'python-grpc-tools-protoc'}, out: gen}}"
    )
    (tmp_path / "buf.gen.yaml").write_text(f"version: v2\nplugins: [{plugin}]\n", "utf-8")
    done = buf("generate", "image.binpb", cwd=tmp_path)
    assert (done.returncode, complaints(done)) == (0, [])
    assert len(list(tmp_path.rglob("*_pb2.py"))) == len(list((ROOT / "protos").rglob("*.proto")))
