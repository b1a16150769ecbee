"""Makes `generated/` from `protos/`: Python code with its types, Envoy's descriptor set, the
gateway's copy of the REST contract, the image that clients are generated from, and the OpenAPI
document.

`--check` makes it aside and compares: it changes nothing and fails, naming the files, if what is
committed is not what protos/ say.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from imports import IMPORTS

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = ROOT / "generated"
DESCRIPTOR_SET = "descriptor.binpb"
# Apart from the descriptor set: it has the comments, and marks what is not ours, for which no
# client wants code.
IMAGE = "image.binpb"
REST_CONTRACT = "rest_contract.lua"
OPENAPI = "openapi.json"
# Envoy turns google.rpc.Status into JSON only if every type in its details is in the descriptor
# set.
ERROR_PROTOS = ("google/rpc/error_details.proto", "google/rpc/status.proto")
# What ours import and no wheel has Python code of.
IMPORTED_PROTO = "buf/validate/validate.proto"


def main() -> int:
    """Generates, or with `--check` compares. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Make generated/ from protos/.")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail if generated/ is stale"
    )
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as directory:
        fresh = Path(directory)
        generate(fresh)
        stale = sorted(stale_files(fresh))
        if check:
            return _report(stale)
        _replace(fresh, stale)
    print(f"generated/: {len(stale)} files changed")
    return 0


def own_protos() -> list[str]:
    """The project's proto files as import paths, sorted so that the output is the same
    everywhere."""
    return sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))


def protoc(*arguments: str) -> None:
    """Runs protoc with the project's protos, googleapis and protobuf's own on the import path.
    Raises CalledProcessError."""
    command = (sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", f"-I{IMPORTS}", *arguments)
    subprocess.run(command, check=True)


def generate(target: Path) -> None:
    """Writes the whole of `generated/` into the given empty directory."""
    protoc(
        *(
            f"--plugin=protoc-gen-{name}={Path(sys.executable).parent / f'protoc-gen-{name}'}"
            for name in ("mypy", "mypy_grpc")
        ),
        *(f"--{kind}_out={target}" for kind in ("python", "grpc_python")),
        *(f"--{kind}_out=quiet:{target}" for kind in ("mypy", "mypy_grpc")),
        *own_protos(),
        IMPORTED_PROTO,
    )
    _drop_empty_stubs(target)
    protoc(
        "--include_imports",
        f"--descriptor_set_out={target / DESCRIPTOR_SET}",
        *own_protos(),
        *ERROR_PROTOS,
    )
    _write_rest_contract(target)
    if not buf("build", "protos", "--output", str(target / IMAGE)):
        raise SystemExit("buf could not build the image")
    _run("openapi.py", target, "--image", str(target / IMAGE), "--out", str(target / OPENAPI))


def buf(*arguments: str) -> bool:
    """Runs buf in the checkout, as a user would. Returns whether it was content."""
    command = (str(Path(sys.executable).parent / "buf"), *arguments)
    return subprocess.run(command, check=False, cwd=ROOT).returncode == 0


def stale_files(fresh: Path) -> Iterable[Path]:
    """Files of `generated/`, relative to it, that are missing, left over, or differ from the fresh
    ones."""
    for path in _files(fresh) | _files(GENERATED):
        new, old = fresh / path, GENERATED / path
        if not new.exists() or not old.exists() or not filecmp.cmp(new, old, shallow=False):
            yield path


def _write_rest_contract(target: Path) -> None:
    paths = ("--descriptor", str(target / DESCRIPTOR_SET), "--out", str(target / REST_CONTRACT))
    _run("generate_rest_contract.py", target, *paths)


def _run(script: str, target: Path, *arguments: str) -> None:
    """In a process of its own, because it imports the code that was made just now."""
    subprocess.run(
        (sys.executable, str(PROTOS / script), *arguments),
        check=True,
        env=os.environ | {"PYTHONPATH": str(target)},
    )


def _drop_empty_stubs(target: Path) -> None:
    """The gRPC plugins write a file for every proto; only those with a service hold anything."""
    for name in (*own_protos(), IMPORTED_PROTO):
        stem = target / name.removesuffix(".proto")
        code = stem.with_name(f"{stem.name}_pb2_grpc.py")
        if "class " not in code.read_text("utf-8"):
            code.unlink()
            code.with_suffix(".pyi").unlink()


def _files(directory: Path) -> set[Path]:
    return {
        path.relative_to(directory)
        for path in directory.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _replace(fresh: Path, stale: Iterable[Path]) -> None:
    for path in stale:
        new, old = fresh / path, GENERATED / path
        if new.exists():
            old.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(new, old)
        else:
            old.unlink()


def _report(stale: list[Path]) -> int:
    for path in stale:
        print(f"generated/{path}: not what protos/ say", file=sys.stderr)
    print(
        "generated/ is stale: run `make protos` and commit the result"
        if stale
        else "generated/ is fresh"
    )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
