"""Clients in other languages are generated from the image with buf, by the templates in
protos/clients, and compile.

`-m "not clients"` leaves them out. Tools are installed once, into .venv/clients; where there are
none, the test is skipped with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".venv" / "clients"
BUF = Path(sys.executable).parent / "buf"
GO_TOOLS = (
    "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12",
    "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
)
GO_MODULE = """module example.com/client

go 1.24

require (
	buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go v1.36.12-20260825204119-511051f7f437.2
	google.golang.org/genproto/googleapis/api v0.0.0-20261110000943-09e21b237f2c
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)
"""
NODE_PACKAGES = ("@bufbuild/protobuf@2.17.0", "@bufbuild/protoc-gen-es@2.17.0", "typescript@7.0.2")

# The first run fetches and compiles the tools.
pytestmark = pytest.mark.timeout(600)


def run(*command: str | Path, cwd: Path, path: Path, **more: str) -> str:
    """What a command prints. Fails with it if the command does."""
    environment = os.environ | {"PATH": f"{path}:{os.environ['PATH']}"} | more
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def install(*command: str, cwd: Path, path: Path, **more: str) -> None:
    """Fetches tools, or skips the test, saying why there are none."""
    try:
        run(*command, cwd=cwd, path=path, **more)
    except AssertionError as failure:
        pytest.skip(f"{' '.join(command)}: {str(failure).strip()[-300:]}")


def home(name: str) -> Path:
    """The directory of a language's tools and of its client, without what was generated before."""
    directory = TOOLS / name
    directory.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(directory / "gen", ignore_errors=True)
    return directory


def generate(language: str, directory: Path, path: Path) -> None:
    template = ROOT / "protos" / "clients" / f"{language}.gen.yaml"
    run(
        BUF,
        "generate",
        str(ROOT / "generated" / "image.binpb"),
        "--template",
        str(template),
        cwd=directory,
        path=path,
    )


@pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
def test_go() -> None:
    directory = home("go")
    path = directory / "bin"
    # What Go keeps of compiled packages is the machine's own, as for any other Go program on it.
    more = {"GOBIN": str(path)}
    if not (path / "protoc-gen-go").exists() or not (path / "protoc-gen-go-grpc").exists():
        for tool in GO_TOOLS:
            install("go", "install", tool, cwd=directory, path=path, **more)
    (directory / "go.mod").write_text(GO_MODULE, "utf-8")
    generate("go", directory, path)
    install("go", "mod", "tidy", cwd=directory, path=path, **more)
    run("go", "build", "./...", cwd=directory, path=path, **more)
    assert (directory / "gen" / "carillon" / "comms" / "v1" / "message_service_grpc.pb.go").exists()


@pytest.mark.skipif(
    shutil.which("npm") is None or shutil.which("node") is None,
    reason="node and npm are not installed",
)
def test_typescript() -> None:
    directory = home("typescript")
    path = directory / "node_modules" / ".bin"
    if not (path / "tsc").exists():
        (directory / "package.json").write_text('{"private": true, "type": "module"}\n', "utf-8")
        install(
            "npm", "install", "--no-audit", "--no-fund", *NODE_PACKAGES, cwd=directory, path=path
        )
    generate("typescript", directory, path)
    files = sorted(map(str, (directory / "gen").rglob("*.ts")))
    assert len(files) > len(list((ROOT / "protos").rglob("*.proto")))
    run(
        "tsc",
        "--noEmit",
        "--strict",
        "--module",
        "nodenext",
        "--target",
        "es2022",
        *files,
        cwd=directory,
        path=path,
    )
